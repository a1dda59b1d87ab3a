//! What the API's operations mean: validation, allocation, binding, scheduling, and the seams for drivers.
