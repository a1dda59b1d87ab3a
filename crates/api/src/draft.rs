//! From a request's body to drafts, by the declaration.
//!
//! The checks and their order are Neutron's, because clients see only the first refusal: the envelope, the project, names
//! that are not known, then attribute by attribute what may not be given, what is missing, and what a value is.

use nucleon_core::{Caller, Error, Result};
use nucleon_model::{
    AttrDefault, AttrSet, Attribute, Draft, Flags, Invalid, Resource, ResourceDecl,
};
use serde_json::{Map, Value};

use crate::filter::convert;
use crate::query::bad_request;

/// What the client asked to create.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted<D> {
    One(D),
    /// The plural key: all or nothing, and answered in kind.
    Many(Vec<D>),
}

/// How objects are created in bulk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bulk {
    Refused,
    UpTo(u64),
}

/// Reads the body of a create, with the declared defaults for what it leaves out.
pub(crate) fn create<T: Resource>(
    body: &Value,
    enabled: AttrSet,
    caller: &Caller,
    bulk: Bulk,
) -> Result<Wanted<T::Draft>> {
    let body = object(body)?;
    // One collection is called as its members are: there an object is one.
    let many = body
        .get(T::DECL.collection)
        .filter(|value| T::DECL.collection != T::DECL.name || value.is_array());
    let Some(many) = many else {
        return post::<T>(inner(T::DECL, body)?, enabled, caller).map(Wanted::One);
    };
    let Bulk::UpTo(most) = bulk else {
        return Err(bad_request("Bulk operation not supported"));
    };
    let many = many.as_array().ok_or_else(|| invalid_data(T::DECL.collection))?;
    if many.is_empty() {
        return Err(bad_request("Resources required"));
    }
    if u64::try_from(many.len()).is_ok_and(|len| len > most) {
        return Err(bad_request(format!(
            "Bulk operation of more than {most} resources not supported"
        )));
    }
    many.iter()
        .map(|item| {
            let item = item.as_object().ok_or_else(|| invalid_data(T::DECL.name))?;
            // Each element may have an envelope of its own.
            let item = if item.contains_key(T::DECL.name) { inner(T::DECL, item)? } else { item };
            post::<T>(item, enabled, caller)
        })
        .collect::<Result<_>>()
        .map(Wanted::Many)
}

/// Reads the body of an update.
pub(crate) fn update<T: Resource>(
    body: &Value,
    enabled: AttrSet,
    caller: &Caller,
) -> Result<T::Draft> {
    let fields = inner(T::DECL, object(body)?)?;
    project(T::DECL, fields, caller)?;
    known(T::DECL, enabled, fields)?;
    for attribute in T::DECL.attributes {
        if fields.contains_key(attribute.name) && !attribute.is(Flags::PUT) {
            return Err(bad_request(format!(
                "Cannot update read-only attribute {}",
                attribute.name
            )));
        }
    }
    let mut draft = T::Draft::default();
    for (index, attribute) in T::DECL.attributes.iter().enumerate() {
        if let Some(value) = fields.get(attribute.name) {
            set(&mut draft, index, attribute, value)?;
        }
    }
    Ok(draft)
}

fn post<T: Resource>(
    fields: &Map<String, Value>,
    enabled: AttrSet,
    caller: &Caller,
) -> Result<T::Draft> {
    let project = project(T::DECL, fields, caller)?;
    known(T::DECL, enabled, fields)?;
    for attribute in T::DECL.attributes {
        let given = fields.contains_key(attribute.name);
        if given && !attribute.is(Flags::POST) {
            return Err(bad_request(format!("Attribute '{}' not allowed in POST", attribute.name)));
        }
        if !given && attribute.is(Flags::POST) && attribute.default == AttrDefault::Required {
            return Err(bad_request(format!(
                "Failed to parse request. Required attribute '{}' not specified",
                attribute.name
            )));
        }
    }
    let mut draft = T::Draft::default();
    for (index, attribute) in T::DECL.attributes.iter().enumerate() {
        if attribute.mirrors.is_some() || !attribute.is(Flags::POST) {
            continue;
        }
        let value = match fields.get(attribute.name) {
            _ if attribute.name == PROJECT => project.clone(),
            Some(value) => value.clone(),
            // A declared default is of the declared type, which a test holds.
            None => match default(attribute) {
                Some(value) => value,
                None => continue,
            },
        };
        // Neither given nor left out, `null` as the default asks for anything, and policy has no say in it.
        if value.is_null() && attribute.default == AttrDefault::Null {
            continue;
        }
        set(&mut draft, index, attribute, &value)?;
    }
    Ok(draft)
}

const PROJECT: &str = "project_id";
const TENANT: &str = "tenant_id";

/// Whose the object is to be: the caller's, unless the body says otherwise under either name and the caller may.
fn project(decl: &ResourceDecl, fields: &Map<String, Value>, caller: &Caller) -> Result<Value> {
    let own = || Value::from(caller.project_id());
    if decl.find(PROJECT).is_none() {
        return Ok(own());
    }
    let given = match (fields.get(PROJECT), fields.get(TENANT)) {
        (Some(project), Some(tenant)) if project != tenant => {
            return Err(bad_request("'project_id' and 'tenant_id' do not match"));
        }
        (Some(project), _) => project,
        (None, Some(tenant)) => tenant,
        (None, None) => return Ok(own()),
    };
    if !caller.can_set_project_id() && *given != own() {
        return Err(bad_request(
            "Specifying 'project_id' other than the authenticated project in request is not allowed for the \
             current user.",
        ));
    }
    Ok(given.clone())
}

/// Refuses names that no served attribute has.
fn known(decl: &ResourceDecl, enabled: AttrSet, fields: &Map<String, Value>) -> Result<()> {
    let unknown: Vec<&str> = fields
        .keys()
        .map(String::as_str)
        .filter(|name| decl.find(name).is_none_or(|(index, _)| !enabled.contains(index)))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(bad_request(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))))
}

fn set<D: Draft>(draft: &mut D, index: usize, attribute: &Attribute, value: &Value) -> Result<()> {
    draft.set(index, value).map_err(|invalid| refused(attribute, &invalid))
}

/// The declared default as a client would have written it; `None` where the server decides.
pub(crate) fn default(attribute: &Attribute) -> Option<Value> {
    match attribute.default {
        AttrDefault::Required | AttrDefault::Unset => None,
        AttrDefault::Null => Some(Value::Null),
        AttrDefault::Bool(value) => Some(value.into()),
        AttrDefault::Int(value) => Some(value.into()),
        AttrDefault::Text(value) => Some(value.into()),
        AttrDefault::EmptyList => Some(Value::Array(Vec::new())),
    }
}

fn refused(attribute: &Attribute, invalid: &Invalid) -> Error {
    match invalid {
        Invalid::Rule(reason) => {
            bad_request(format!("Invalid input for {}. Reason: {reason}.", attribute.name))
        }
        Invalid::Convert(_) => convert(invalid),
        Invalid::Typed { name, message } => Error::invalid(name, message),
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>> {
    body.as_object().ok_or_else(|| bad_request("Body contains invalid data"))
}

/// What the singular key holds.
fn inner<'a>(decl: &ResourceDecl, body: &'a Map<String, Value>) -> Result<&'a Map<String, Value>> {
    match body.get(decl.name) {
        None | Some(Value::Null) => {
            Err(bad_request(format!("Unable to find '{}' in request body", decl.name)))
        }
        Some(value) => value.as_object().ok_or_else(|| invalid_data(decl.name)),
    }
}

fn invalid_data(name: &str) -> Error {
    bad_request(format!("Object '{name}' contains invalid data"))
}

#[cfg(test)]
mod tests;
