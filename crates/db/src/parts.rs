//! Several questions in one statement: the rows that answer them come packed, one below the other, each beside the name of
//! its part. On the way to a database server that costs what one question costs.

use std::collections::BTreeMap;

use nucleon_model::Resource;
use sea_query::{Alias, Expr, Query, SelectStatement, SimpleExpr, UnionType};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::resource::Columns;
use crate::tx::Tx;

/// Questions that are being put together.
#[derive(Debug)]
pub(crate) struct Parts {
    dialect: Dialect,
    question: Option<SelectStatement>,
}

impl Parts {
    pub(crate) fn new(tx: &Tx) -> Self {
        Self { dialect: tx.dialect(), question: None }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Asks for rows of a table; `narrow` says which.
    pub(crate) fn rows<R: Resource>(
        &mut self,
        name: &'static str,
        narrow: impl FnOnce(&mut SelectStatement),
    ) {
        let packed = Columns::all::<R>().pack::<R>(self.dialect);
        self.values(name, packed, |part| narrow(part.from(Alias::new(R::DECL.table))));
    }

    /// Asks for one text of each row; `narrow` says of what table, and which.
    pub(crate) fn values(
        &mut self,
        name: &'static str,
        text: impl Into<SimpleExpr>,
        narrow: impl FnOnce(&mut SelectStatement),
    ) {
        let mut part = Query::select();
        part.expr(Expr::val(name)).expr(text.into());
        narrow(&mut part);
        match &mut self.question {
            Some(question) => drop(question.union(UnionType::All, part)),
            None => self.question = Some(part),
        }
    }

    pub(crate) async fn ask(self, tx: &mut Tx) -> Result<Answers> {
        let mut answers = Answers::default();
        if let Some(question) = self.question {
            for row in tx.fetch_all(&question).await? {
                answers.0.entry(row.at(0)?).or_default().push(row.at(1)?);
            }
        }
        Ok(answers)
    }
}

/// What was found, by the names of the parts.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// The answers to [`Parts::rows`], in no order.
    pub(crate) fn rows<R: Resource>(&mut self, name: &str) -> Result<Vec<R>> {
        self.values(name).iter().map(|row| Columns::all::<R>().unpack(row)).collect()
    }

    /// The answers to [`Parts::values`], in no order.
    pub(crate) fn values(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }
}
