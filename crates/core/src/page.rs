//! Pages of lists that no table holds.

use nucleon_model::Page;

/// A page of items, which are in the order of their places; `marker` is the place of the one beside the page.
pub(crate) fn cut<T, K: Ord>(
    mut items: Vec<T>,
    page: &Page,
    marker: Option<K>,
    place: impl Fn(&T) -> K,
) -> Vec<T> {
    if let Some(marker) = marker {
        items.retain(|item| if page.reverse { place(item) < marker } else { place(item) > marker });
    }
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    if page.reverse {
        return items.split_off(items.len().saturating_sub(limit));
    }
    items.truncate(limit);
    items
}
