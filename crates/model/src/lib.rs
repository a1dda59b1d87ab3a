//! The resources of the Networking API, each declared once, and the views that agents follow.
