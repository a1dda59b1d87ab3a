//! Lists: filters, order and pages, for all declared resources alike.

mod filter;
mod order;
mod visible;

use nucleon_model::{Attribute, Cell, ListQuery, Load, Page, Resource};
use sea_query::{Alias, Cond, Expr, ExprTrait, SelectStatement, SimpleExpr, UnionType};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::resource::{Columns, fetch, get, select};
use crate::tx::Tx;

use self::filter::condition;
use self::order::{Found, beyond, order, sort_by_id};
use self::visible::{all_from, among, ids};

pub(crate) use self::filter::{in_subquery, one_of};
pub use self::visible::{Visible, Way};
pub(crate) use self::visible::{ids_where, owns};

/// One more condition on the records of a list.
#[derive(Debug, Clone)]
pub struct Condition(SimpleExpr);

impl Condition {
    /// `column = value`
    pub fn equal(column: &'static str, value: String) -> Self {
        Self(Expr::col(Alias::new(column)).eq(value))
    }
}

impl From<SimpleExpr> for Condition {
    fn from(condition: SimpleExpr) -> Self {
        Self(condition)
    }
}

/// A list, or the news that its marker does not exist.
#[derive(Debug, Clone, PartialEq)]
pub enum Listed<R> {
    Records(Vec<R>),
    /// The page's marker is no object that the viewer can see.
    NoMarker(String),
}

/// What a resource adds to the common rules.
pub trait Listing: Resource {
    /// Conditions on attributes that lie in no column of the row, or mean more than it says.
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        let _ = (attribute, values, viewer);
        None
    }

    /// What a viewer in `project` may see, or an administrator, who is in none.
    fn visible_to(project: Option<&str>) -> Visible;

    /// Whether a list for answers can do without a column. `served`: no attribute that the server does without lies in it.
    ///
    /// It matters where lists are long: what a list of 10,000 costs is a matter of cells.
    fn is_spare(column: &str, served: bool) -> bool {
        let _ = (column, served);
        false
    }
}

/// Records that a viewer in `project` may see, or all, as `query` asks.
pub async fn list<R: Listing>(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<R>> {
    list_where(tx, project, query, None).await
}

/// As [`list`], of the records that meet one more condition.
pub async fn list_where<R: Listing>(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
    also: Option<Condition>,
) -> Result<Listed<R>> {
    let columns = columns::<R>(query.load).for_many_rows(tx.dialect());
    let asked = Asked { dialect: tx.dialect(), project, query, also };
    let Some(page) = &query.page else {
        let Some(statement) = asked.whole::<R>(&columns) else {
            return Ok(Listed::Records(Vec::new()));
        };
        let mut records = tx.fetch_map(&statement, |row| columns.read(row)).await?;
        if query.sort.is_empty() {
            sort_by_id(&mut records);
        }
        return Ok(Listed::Records(records));
    };
    let marker = match &page.marker {
        None => None,
        Some(id) => match marker_record::<R>(tx, project, id).await? {
            None => return Ok(Listed::NoMarker(id.clone())),
            marker => marker,
        },
    };
    let Some(statement) = asked.page(&columns, page, marker.as_ref()) else {
        return Ok(Listed::Records(Vec::new()));
    };
    let mut records = tx.fetch_map(&statement, |row| columns.read(row)).await?;
    if page.reverse {
        records.reverse();
    }
    Ok(Listed::Records(records))
}

/// How the database means to find what a list shows: for whoever wonders why it takes its time.
pub async fn list_plan<R: Listing>(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Vec<String>> {
    let asked = Asked { dialect: tx.dialect(), project, query, also: None };
    let columns = columns::<R>(query.load);
    let statement = match &query.page {
        None => asked.whole::<R>(&columns),
        Some(page) => asked.page::<R>(&columns, page, None),
    };
    match statement {
        Some(statement) => tx.explain(&statement).await,
        None => Ok(Vec::new()),
    }
}

/// What a list is asked for.
struct Asked<'q> {
    dialect: Dialect,
    project: Option<&'q str>,
    query: &'q ListQuery,
    also: Option<Condition>,
}

impl Asked<'_> {
    /// The whole list; `None` where nothing meets its filters. In no order if none is asked for: the database would put
    /// whole rows aside for that.
    fn whole<R: Listing>(&self, columns: &Columns) -> Option<SelectStatement> {
        let visible = R::visible_to(self.project);
        if !self.query.sort.is_empty() {
            let mut whole = self.narrowed::<R>(columns.select::<R>(), visible.whole())?;
            order::<R>(&mut whole, &self.query.sort, false, Found::InOrder);
            return Some(whole);
        }
        let mut parts = visible.parts().into_iter();
        let mut whole = self.narrowed::<R>(columns.select::<R>(), parts.next()?)?;
        for part in parts {
            whole.union(UnionType::All, self.narrowed::<R>(columns.select::<R>(), part)?);
        }
        Some(whole)
    }

    /// A page; `None` where nothing meets its filters. What is on it is among what would be on it if but one part of what
    /// is seen was there: no more of a part is put aside and looked up.
    fn page<R: Listing>(
        &self,
        columns: &Columns,
        page: &Page,
        marker: Option<&R>,
    ) -> Option<SelectStatement> {
        let visible = R::visible_to(self.project);
        let of_all = matches!(visible, Visible::Everything) && self.also.is_none();
        let found = Found::by(self.dialect, of_all);
        let cut = |mut select: SelectStatement| {
            order::<R>(&mut select, &self.query.sort, page.reverse, found);
            select.limit(page.limit).to_owned()
        };
        let paged = |select, visible| {
            let mut select = self.narrowed::<R>(select, visible)?;
            if let Some(marker) = marker {
                select.cond_where(beyond(marker, &self.query.sort, page.reverse));
            }
            Some(cut(select))
        };
        let mut parts = visible.parts();
        if parts.len() == 1 {
            return paged(columns.select::<R>(), parts.pop()?);
        }
        // Of a union, SQL lets none be cut but what stands in a table of its own.
        let of_part = |part| paged(ids(R::DECL.table), part).map(|found| all_from(found, "part"));
        let on_it = among(parts.into_iter().map(of_part).collect::<Option<Vec<_>>>()?);
        Some(cut(columns.select::<R>().cond_where(on_it).to_owned()))
    }

    /// Has `select` find what a list shows of `visible`; `None` where nothing meets its filters.
    fn narrowed<R: Listing>(
        &self,
        mut select: SelectStatement,
        visible: Cond,
    ) -> Option<SelectStatement> {
        if let Some(Condition(also)) = &self.also {
            select.and_where(also.clone());
        }
        select.cond_where(visible);
        for filter in &self.query.filters {
            select.and_where(condition::<R>(filter, self.project)?);
        }
        Some(select)
    }
}

/// The columns that a list loads.
fn columns<R: Listing>(load: Load) -> Columns {
    let Load::Served { absent } = load else { return Columns::where_name::<R>(|_| true) };
    let served = |name: &str| {
        let named = |index: usize| R::DECL.attributes.get(index).and_then(|it| it.column);
        !absent.iter().any(|index| named(index).is_some_and(|(column, _)| column == name))
    };
    Columns::where_name::<R>(|name| !R::is_spare(name, served(name)))
}

async fn marker_record<R: Listing>(
    tx: &mut Tx,
    project: Option<&str>,
    id: &str,
) -> Result<Option<R>> {
    if project.is_none() {
        return get(tx, id.to_owned()).await;
    }
    let mut statement = select::<R>(tx);
    statement
        .and_where(Expr::col(Alias::new("id")).eq(id))
        .cond_where(R::visible_to(project).whole());
    Ok(fetch(tx, &statement).await?.pop())
}
