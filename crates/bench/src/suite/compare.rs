//! The same load on two servers in turn, and how many times faster the first is.
//!
//! The servers run already, both on this machine; each works while the other is idle. A round is a visit to each, so that
//! what else the machine does meets both, and a ratio is of two figures of one round.

mod visit;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use nucleon_testkit::Kind;

use self::visit::Site;
use super::Effort;
use crate::limit;
use crate::limit::commit::BareCommit;
use crate::report::{Limit, Report, Row, Unit};
use crate::stats::Figure;

/// A server under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub name: String,
    pub address: SocketAddr,
}

impl FromStr for Endpoint {
    type Err = String;

    /// `NAME=ADDRESS:PORT`
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once('=').ok_or("not of the form NAME=ADDRESS:PORT")?;
        let address = address.parse().map_err(|error| format!("'{address}': {error}"))?;
        Ok(Self { name: name.to_owned(), address })
    }
}

/// What a row is of, in the order of the visit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct What {
    place: usize,
    name: String,
    unit: Unit,
}

/// The rounds' values, of each server.
type Values = BTreeMap<What, Vec<Vec<f64>>>;

/// Measures two servers that keep their rows in one database server.
pub async fn measure(
    endpoints: &[Endpoint],
    database: &str,
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    ensure!(endpoints.len() == 2, "two servers are compared, not {}", endpoints.len());
    let mut bare = BareCommit::open(Kind::MariaDb, database).await.context("bare commits")?;
    let directory = tempfile::Builder::new().prefix("nucleon-bench-").tempdir()?;
    let mut sites = Vec::new();
    for endpoint in endpoints {
        let site = Site::prepare(endpoint.address).await;
        sites.push(site.with_context(|| format!("preparing {}", endpoint.name))?);
    }
    let mut limits = limit::machine(directory.path()).await?;
    limits.push(bare.limit().await?);
    let mut values = Values::new();
    let rounds = effort.pick(1, 5);
    for round in 0..rounds {
        for (number, (site, endpoint)) in sites.iter_mut().zip(endpoints).enumerate() {
            eprintln!("round {} of {rounds}: {} ...", round + 1, endpoint.name);
            let visited = site.visit(effort).await;
            let visited = visited.with_context(|| format!("{}, round {round}", endpoint.name))?;
            for (place, (name, unit, value)) in visited.into_iter().enumerate() {
                let of_both = values.entry(What { place, name, unit }).or_default();
                of_both.resize(endpoints.len(), Vec::new());
                if let Some(values) = of_both.get_mut(number) {
                    values.push(value);
                }
            }
        }
    }
    for what in sites.iter().flat_map(Site::not_served) {
        report.skip(what, "not served by one of the two");
    }
    add_rows(endpoints, &values, &limits, report)
}

fn add_rows(
    endpoints: &[Endpoint],
    values: &Values,
    limits: &[Limit],
    report: &mut Report,
) -> Result<()> {
    for (What { name, unit, .. }, of_both) in values {
        let [ours, theirs] = of_both.as_slice() else { continue };
        // What one of them does not serve has nothing to be compared with.
        if ours.is_empty() || theirs.is_empty() {
            continue;
        }
        for (endpoint, values) in endpoints.iter().zip(of_both) {
            let figure = Figure::of(values.iter().copied()).context("no rounds")?;
            let row = Row::new(&endpoint.name, name.clone(), *unit, figure);
            report.add([row.beside(limits.iter().cloned())]);
        }
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| match unit {
            Unit::PerSecond => ours / theirs,
            _ => theirs / ours,
        });
        let figure = Figure::of(ratios).context("no rounds")?;
        report.add([Row::new("ratio", name.clone(), Unit::Times, figure)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> [Endpoint; 2] {
        ["one=127.0.0.1:1", "other=127.0.0.1:2"].map(|text| text.parse().unwrap())
    }

    fn what(name: &str, unit: Unit) -> What {
        What { place: 0, name: name.to_owned(), unit }
    }

    #[test]
    fn an_endpoint_has_a_name_and_an_address() {
        assert_eq!(endpoints()[1].name, "other");
        assert!("127.0.0.1:1".parse::<Endpoint>().is_err());
        assert!("one=nowhere".parse::<Endpoint>().is_err());
    }

    #[test]
    fn more_a_second_and_less_time_are_both_faster() {
        let mut report = Report::default();
        let values = Values::from([
            (what("create", Unit::Milliseconds), vec![vec![2.0, 1.0], vec![40.0, 30.0]]),
            (what("rate", Unit::PerSecond), vec![vec![500.0, 700.0], vec![10.0, 10.0]]),
        ]);
        add_rows(&endpoints(), &values, &[], &mut report).unwrap();
        let ratios: Vec<(f64, f64)> = report
            .rows
            .iter()
            .filter(|row| row.suite == "ratio")
            .map(|row| (row.min, row.max))
            .collect();
        assert_eq!(ratios, [(20.0, 30.0), (50.0, 70.0)]);
    }

    #[test]
    fn what_only_one_serves_is_in_no_row() {
        let mut report = Report::default();
        let values = Values::from([(what("router", Unit::Milliseconds), vec![vec![], vec![1.0]])]);
        add_rows(&endpoints(), &values, &[], &mut report).unwrap();
        assert!(report.rows.is_empty());
    }
}
