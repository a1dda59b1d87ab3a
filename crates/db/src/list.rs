//! Lists: filters, order and pages, for all declared resources alike.

use nucleon_model::{
    Attribute, Cell, CellKind, Direction, Filter, FixedIpFilter, ListQuery, Load, Resource,
    TagFilter,
};
use sea_query::{
    Alias, Asterisk, Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr,
    UnionType,
};

use crate::error::Result;
use crate::rbac;
use crate::resource::{Columns, fetch, get, select, value_of};
use crate::tx::Tx;

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

    /// What a viewer in `project` may see; `None` is everything.
    fn visible_to(project: Option<&str>) -> Option<Cond>;

    /// Whether a list for answers can do without a column. `served`: no attribute that the server does without lies in it.
    ///
    /// It matters where lists are long: what a list of 10,000 costs is a matter of cells.
    fn is_spare(column: &str, served: bool) -> bool {
        let _ = (column, served);
        false
    }
}

/// For [`Listing::visible_to`]: objects are seen by their own project alone.
pub(crate) fn own(project: Option<&str>) -> Option<Cond> {
    project.map(|project| Cond::all().add(Expr::col(Alias::new("project_id")).eq(project)))
}

/// For [`Listing::visible_to`]: objects are seen by their own project, and by those that they are shared with.
pub(crate) fn own_or_shared<R: Resource>(project: Option<&str>, object_type: &str) -> Option<Cond> {
    project.map(|project| {
        let shared = rbac::shared_with(project, object_type, &[rbac::ACCESS_AS_SHARED]);
        among([owned_by(R::DECL.table, project), shared])
    })
}

/// For [`among`]: what a project owns in a table.
pub(crate) fn owned_by(table: &'static str, project: &str) -> SelectStatement {
    ids_where(table, Expr::col(Alias::new("project_id")).eq(project))
}

/// For [`Listing::visible_to`]: objects whose identifiers one of these queries finds, each by an index.
///
/// That is a union, for with an `OR` over several tables PostgreSQL and MariaDB look at every row there is, whoever owns
/// it. And it is a union in a derived table, for MariaDB would run a bare one once for each row.
pub(crate) fn among<const N: usize>(queries: [SelectStatement; N]) -> Cond {
    let mut queries = queries.into_iter();
    let Some(mut union) = queries.next() else { return Cond::any() };
    for query in queries {
        union.union(UnionType::Distinct, query);
    }
    let mut seen = Query::select();
    seen.expr(Expr::col(Asterisk)).from_subquery(union, Alias::new("seen"));
    Cond::all().add(in_subquery("id", seen))
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
    // A filter that nothing can meet.
    let columns = columns::<R>(query.load).for_rows_of(tx.dialect());
    let Some(mut statement) = statement::<R>(project, query, also, &columns) else {
        return Ok(Listed::Records(Vec::new()));
    };
    let Some(page) = &query.page else {
        order::<R>(&mut statement, &query.sort, false);
        let records = tx.fetch_map(&statement, |row| columns.read(row)).await?;
        return Ok(Listed::Records(records));
    };
    if let Some(marker) = &page.marker {
        let Some(record) = marker_record::<R>(tx, project, marker).await? else {
            return Ok(Listed::NoMarker(marker.clone()));
        };
        statement.cond_where(beyond(&record, &query.sort, page.reverse));
    }
    order::<R>(&mut statement, &query.sort, page.reverse);
    statement.limit(page.limit);
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
    match statement::<R>(project, query, None, &columns::<R>(query.load)) {
        Some(statement) => tx.explain(&statement).await,
        None => Ok(Vec::new()),
    }
}

/// What a list shows, without order or pages; `None` where nothing meets its filters.
fn statement<R: Listing>(
    project: Option<&str>,
    query: &ListQuery,
    also: Option<Condition>,
    columns: &Columns,
) -> Option<SelectStatement> {
    let mut statement = columns.select::<R>();
    if let Some(Condition(also)) = also {
        statement.and_where(also);
    }
    if let Some(visible) = R::visible_to(project) {
        statement.cond_where(visible);
    }
    for filter in &query.filters {
        statement.and_where(condition::<R>(filter, project)?);
    }
    Some(statement)
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
    statement.and_where(Expr::col(Alias::new("id")).eq(id));
    if let Some(visible) = R::visible_to(project) {
        statement.cond_where(visible);
    }
    Ok(fetch(tx, &statement).await?.pop())
}

fn condition<R: Listing>(filter: &Filter, viewer: Option<&str>) -> Option<SimpleExpr> {
    match filter {
        Filter::Attribute { index, values } => {
            let attribute = R::DECL.attributes.get(*index)?;
            // `tenant_id` is asked for as the attribute that it mirrors.
            let attribute = match attribute.mirrors {
                Some(name) => R::DECL.find(name)?.1,
                None => attribute,
            };
            let plain = || attribute.column.map(|(column, kind)| one_of(column, kind, values));
            R::special(attribute, values, viewer).or_else(plain)
        }
        Filter::FixedIps(wanted) => Some(fixed_ips(wanted)),
        Filter::Tags(mode, tags) => Some(tagged(*mode, tags)),
    }
}

pub(crate) fn one_of(column: &'static str, kind: CellKind, values: &[Cell]) -> SimpleExpr {
    Expr::col(Alias::new(column)).is_in(values.iter().map(|cell| value_of(cell.clone(), kind)))
}

pub(crate) fn in_subquery(column: &'static str, query: SelectStatement) -> SimpleExpr {
    Expr::col(Alias::new(column)).in_subquery(query)
}

/// Ports with an address that meets all kinds of condition given, each kind by one of its values.
fn fixed_ips(wanted: &[FixedIpFilter]) -> SimpleExpr {
    let mut addresses = Vec::new();
    let mut subnets = Vec::new();
    let mut parts = Cond::any();
    for filter in wanted {
        match filter {
            FixedIpFilter::Address(address) => addresses.push(address.to_string()),
            FixedIpFilter::Subnet(id) => subnets.push(id.to_string()),
            FixedIpFilter::Substring(part) => {
                // Not the backslash, which MariaDB takes for an escape in the clause itself.
                let pattern = part.replace('|', "||").replace('%', "|%").replace('_', "|_");
                let like = sea_query::LikeExpr::new(format!("%{pattern}%")).escape('|');
                parts = parts.add(Expr::col(Alias::new("ip_address")).like(like));
            }
        }
    }
    let mut query = Query::select();
    query.column(Alias::new("port_id")).from(Alias::new("ip_allocations"));
    if !addresses.is_empty() {
        query.and_where(Expr::col(Alias::new("ip_address")).is_in(addresses));
    }
    if !subnets.is_empty() {
        query.and_where(Expr::col(Alias::new("subnet_id")).is_in(subnets));
    }
    if !parts.is_empty() {
        query.cond_where(parts);
    }
    in_subquery("id", query)
}

fn tagged(mode: TagFilter, tags: &[String]) -> SimpleExpr {
    let mut query = Query::select();
    query
        .column(Alias::new("object_id"))
        .from(Alias::new("tags"))
        .and_where(Expr::col(Alias::new("tag")).is_in(tags.iter().cloned()));
    if matches!(mode, TagFilter::All | TagFilter::NotAll) {
        let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
        query.group_by_col(Alias::new("object_id"));
        query.and_having(
            Func::count(Expr::col(Alias::new("tag")))
                .eq(i64::try_from(distinct.len()).unwrap_or(i64::MAX)),
        );
    }
    let id = Expr::col(Alias::new("id"));
    match mode {
        TagFilter::All | TagFilter::Any => id.in_subquery(query),
        TagFilter::NotAll | TagFilter::NotAny => id.not_in_subquery(query),
    }
}

/// The value of an attribute for ordering: databases disagree on where nulls go, so there are none.
fn sort_value(column: &'static str, kind: CellKind) -> SimpleExpr {
    let plain = Expr::col(Alias::new(column));
    match kind {
        CellKind::Bool => plain,
        _ if column == "id" => plain,
        CellKind::Int => Func::coalesce([plain, Expr::val(i64::MIN)]).into(),
        CellKind::Text | CellKind::LongText => Func::coalesce([plain, Expr::val("")]).into(),
    }
}

/// Columns to sort by, the identifier last.
fn keys<R: Resource>(sort: &[(usize, Direction)]) -> Vec<(&'static str, CellKind, Direction)> {
    let mut keys: Vec<_> = sort
        .iter()
        .filter_map(|&(index, direction)| {
            let attribute = R::DECL.attributes.get(index)?;
            let attribute = match attribute.mirrors {
                Some(name) => R::DECL.find(name)?.1,
                None => attribute,
            };
            let (column, kind) = attribute.column?;
            Some((column, kind, direction))
        })
        .collect();
    if !keys.iter().any(|&(column, ..)| column == "id") {
        keys.push(("id", CellKind::Text, Direction::Ascending));
    }
    keys
}

fn order<R: Resource>(statement: &mut SelectStatement, sort: &[(usize, Direction)], reverse: bool) {
    for (column, kind, direction) in keys::<R>(sort) {
        let ascending = (direction == Direction::Ascending) != reverse;
        let order = if ascending { Order::Asc } else { Order::Desc };
        statement.order_by_expr(sort_value(column, kind), order);
    }
}

/// Records behind `marker` in the order of the list: `(a > x) or (a = x and b > y) or …`.
fn beyond<R: Resource>(marker: &R, sort: &[(usize, Direction)], reverse: bool) -> Cond {
    let cells = marker.cells();
    let mut any = Cond::any();
    let mut equal: Vec<SimpleExpr> = Vec::new();
    for (column, kind, direction) in keys::<R>(sort) {
        let place = R::columns().iter().position(|&(name, _)| name == column);
        let cell = place.and_then(|place| cells.get(place)).cloned().unwrap_or(Cell::Null);
        let cell = match (cell, kind) {
            (Cell::Null, CellKind::Int) => Cell::Int(i64::MIN),
            (Cell::Null, CellKind::Bool) => Cell::Bool(false),
            (Cell::Null, _) => Cell::Text(String::new()),
            (cell, _) => cell,
        };
        let value = value_of(cell, kind);
        let here = sort_value(column, kind);
        let ascending = (direction == Direction::Ascending) != reverse;
        let further =
            if ascending { here.clone().gt(value.clone()) } else { here.clone().lt(value.clone()) };
        let mut all = Cond::all().add(further);
        for earlier in &equal {
            all = all.add(earlier.clone());
        }
        any = any.add(all);
        equal.push(here.eq(value));
    }
    any
}

/// `SELECT id FROM table WHERE …`, for conditions that lean on another table.
pub(crate) fn ids_where(table: &'static str, condition: SimpleExpr) -> SelectStatement {
    Query::select().column(Alias::new("id")).from(Alias::new(table)).and_where(condition).to_owned()
}
