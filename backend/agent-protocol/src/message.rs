//! The frames.

use crate::{InstanceConfig, InstanceReport, Usage};
use aerie_domain::InstanceId;
use serde::{Deserialize, Serialize};

/// From the director to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToAgent {
    /// Bring this about. Sent on connect and whenever it changes.
    Configure(Box<InstanceConfig>),
    /// Where the directors of this installation listen, the sender among them: whom to call when it falls silent. Sent on
    /// connect and whenever it changes.
    Directors {
        /// Ports, on the address that was called.
        ports: Vec<u16>,
    },
    /// Stop everything and exit with code 0: the instance is about to be removed. Processes get their stop signals.
    Shutdown,
    /// Go away for good: this instance is not known (any more). The agent stops everything and exits.
    Refused {
        /// Why, for the agent's log.
        reason: String,
    },
}

/// From an agent to the director.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FromAgent {
    /// First frame.
    Hello {
        /// [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION).
        protocol: u32,
        /// Who it is; must equal the name in its certificate.
        instance: InstanceId,
        /// Generation of the configuration it has applied; 0 if none.
        generation: i64,
    },
    /// On every change, and every 10 s as a sign of life.
    Report(Box<InstanceReport>),
    /// Every 2 s.
    Usage(Usage),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any JSON, with the words of our messages in it more often than chance would have it.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let word = prop_oneof![
            Just("type"),
            Just("hello"),
            Just("report"),
            Just("usage"),
            Just("configure"),
            Just("shutdown"),
            Just("refused"),
            Just("protocol"),
            Just("instance"),
            Just("generation"),
            Just("reason"),
            Just("processes"),
        ];
        let text = prop_oneof![word.prop_map(str::to_owned), ".{0,12}"];
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            text.clone().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Reading never panics, and what was read means the same when it is sent on.
    fn survives(text: &str) -> Result<(), TestCaseError> {
        if let Ok(message) = serde_json::from_str::<FromAgent>(text) {
            let again = serde_json::to_string(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(serde_json::from_str::<FromAgent>(&again).ok(), Some(message));
        }
        if let Ok(message) = serde_json::from_str::<ToAgent>(text) {
            let again = serde_json::to_string(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(serde_json::from_str::<ToAgent>(&again).ok(), Some(message));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC{0,200}") {
            survives(&text)?;
        }

        #[test]
        fn any_json_can_be_read(value in json()) {
            survives(&value.to_string())?;
        }

        #[test]
        fn a_disturbed_message_can_be_read(at in any::<prop::sample::Index>(), byte in any::<u8>(), generation in any::<i64>()) {
            let instance = InstanceId::generate();
            let hello = FromAgent::Hello { protocol: 1, instance, generation };
            let mut bytes = serde_json::to_vec(&hello).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&String::from_utf8_lossy(&bytes))?;
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
        for open in ["[", "{\"type\":"] {
            let deep = open.repeat(500_000);
            assert!(serde_json::from_str::<FromAgent>(&deep).is_err());
            assert!(serde_json::from_str::<ToAgent>(&deep).is_err());
        }
    }
}
