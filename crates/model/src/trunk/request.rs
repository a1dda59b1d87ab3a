//! Subports as requests name them.

use serde_json::{Map, Value};

use super::VLAN;
use crate::id::PortId;
use crate::rule::Rule;
use crate::value::{AttrValue, Invalid, PyText};

/// How a subport is to be told apart from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segmentation {
    /// The request does not say: enough to name a subport that is there.
    Unsaid,
    /// As its network is told apart from others.
    Inherit,
    Given {
        kind: String,
        id: i64,
    },
}

/// A subport as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubPortRequest {
    pub port_id: PortId,
    pub segmentation: Segmentation,
}

impl AttrValue for Vec<SubPortRequest> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let items = value.as_array().ok_or_else(|| {
            let value = PyText(value);
            Invalid::rule(format!("Invalid data format for subports: '{value}' is not a list"))
        })?;
        let mut requests = Self::with_capacity(items.len());
        for item in items {
            let request = read(item)?;
            check_distinct(&requests, &request)?;
            requests.push(request);
        }
        Ok(requests)
    }
}

fn read(item: &Value) -> Result<SubPortRequest, Invalid> {
    let entries = item.as_object().ok_or_else(|| {
        let item = PyText(item);
        Invalid::rule(format!("Invalid data format for subport: '{item}' is not a dict"))
    })?;
    let port = entries
        .get("port_id")
        .ok_or_else(|| Invalid::rule("A valid port UUID must be specified"))?;
    let port_id = port
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Invalid::rule(format!("Invalid UUID for subport: '{}'", PyText(port))))?;
    Ok(SubPortRequest { port_id, segmentation: segmentation(item, entries)? })
}

fn segmentation(item: &Value, entries: &Map<String, Value>) -> Result<Segmentation, Invalid> {
    let given = |key| entries.get(key).filter(|value: &&Value| !value.is_null());
    let kind = given("segmentation_type").and_then(Value::as_str);
    if kind == Some("inherit") {
        return Ok(Segmentation::Inherit);
    }
    match (kind.filter(|kind| !kind.is_empty()), given("segmentation_id")) {
        (Some(kind), Some(id)) => {
            let id = i64::from_json(id, &Rule::Plain).map_err(|_| not_an_integer(&PyText(id)))?;
            Ok(Segmentation::Given { kind: kind.to_owned(), id })
        }
        _ if entries.len() == 1 => Ok(Segmentation::Unsaid),
        _ => Err(Invalid::rule(format!(
            "Invalid subport details '{}': missing segmentation information. Must specify both segmentation_id and \
             segmentation_type",
            PyText(item)
        ))),
    }
}

fn not_an_integer(id: &PyText<'_>) -> Invalid {
    Invalid::typed(
        "InvalidInput",
        format!(
            "Invalid input for operation: Invalid subport details: segmentation_id '{id}' is not an integer."
        ),
    )
}

/// Each port once, each id of a type once.
fn check_distinct(others: &[SubPortRequest], request: &SubPortRequest) -> Result<(), Invalid> {
    let port = request.port_id;
    if others.iter().any(|other| other.port_id == port) {
        return Err(Invalid::rule(format!("Non unique UUID for subport: '{port}'")));
    }
    if let Segmentation::Given { id, .. } = &request.segmentation
        && others.iter().any(|other| other.segmentation == request.segmentation)
    {
        return Err(Invalid::rule(format!("Segmentation ID '{id}' for '{port}' is not unique")));
    }
    Ok(())
}

impl SubPortRequest {
    /// Reads the body of an operation on subports.
    ///
    /// # Errors
    /// Why it is none; Neutron puts its own words around it.
    pub fn list_from_json(value: &Value) -> Result<Vec<Self>, Invalid> {
        Vec::from_json(value, &Rule::Plain)
    }

    /// One that is told apart by a VLAN.
    pub fn on_vlan(port_id: PortId, id: i64) -> Self {
        Self { port_id, segmentation: Segmentation::Given { kind: VLAN.to_owned(), id } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "9c2e1e4c-92b8-4c7a-a5e7-3ee7a1b2e001";
    const B: &str = "9c2e1e4c-92b8-4c7a-a5e7-3ee7a1b2e002";

    fn refusal(value: &Value) -> String {
        SubPortRequest::list_from_json(value).unwrap_err().to_string()
    }

    #[test]
    fn a_subport_is_read_with_its_segmentation_or_without() {
        let body = json!([
            {"port_id": A, "segmentation_type": "vlan", "segmentation_id": "7"},
            {"port_id": B, "segmentation_type": "inherit"},
        ]);
        let read = SubPortRequest::list_from_json(&body).unwrap();
        assert_eq!(read[0], SubPortRequest::on_vlan(A.parse().unwrap(), 7));
        assert_eq!(read[1].segmentation, Segmentation::Inherit);
        let alone = SubPortRequest::list_from_json(&json!([{"port_id": A}])).unwrap();
        assert_eq!(alone[0].segmentation, Segmentation::Unsaid);
    }

    #[test]
    fn what_is_no_list_of_subports_is_refused_in_neutrons_words() {
        let vlan =
            |port, id| json!({"port_id": port, "segmentation_type": "vlan", "segmentation_id": id});
        for (body, text) in [
            (json!({}), "Invalid data format for subports: '{}' is not a list".to_owned()),
            (json!([1]), "Invalid data format for subport: '1' is not a dict".to_owned()),
            (json!([{}]), "A valid port UUID must be specified".to_owned()),
            (json!([{"port_id": "x"}]), "Invalid UUID for subport: 'x'".to_owned()),
            (json!([vlan(A, 1), vlan(A, 2)]), format!("Non unique UUID for subport: '{A}'")),
            (
                json!([vlan(A, 1), vlan(B, 1)]),
                format!("Segmentation ID '1' for '{B}' is not unique"),
            ),
        ] {
            assert_eq!(refusal(&body), text);
        }
        let lacking = json!([{"port_id": A, "segmentation_id": 3}]);
        assert!(refusal(&lacking).contains("missing segmentation information"));
        let worded = json!([{"port_id": A, "segmentation_type": "vlan", "segmentation_id": "x"}]);
        assert!(refusal(&worded).ends_with("segmentation_id 'x' is not an integer."));
    }
}
