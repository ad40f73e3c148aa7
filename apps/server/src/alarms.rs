//! Alarms, as log lines and as numbers for Prometheus.

use metrics::counter;
use msgflash_messaging::InstanceId;
use msgflash_messaging::alarm::{Alarm, Alarms};
use tracing::error;

const ALARMS: &str = "msgflash_alarms_total";

/// Writes each alarm to the log and counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoggedAlarms;

impl Alarms for LoggedAlarms {
    fn raise(&self, alarm: Alarm, instance: Option<InstanceId>) {
        let kind = alarm.as_str();
        let advice = alarm.advice();
        if let Some(id) = instance {
            error!(alarm = kind, instance.id = %id, "{advice}");
        } else {
            error!(alarm = kind, "{advice}");
        }
        counter!(ALARMS, "kind" => kind).increment(1);
    }
}

/// Shows every kind from the start: a counter that appears with its first alarm has no increase
/// that a rule could see.
pub(crate) fn show() {
    for alarm in Alarm::ALL {
        counter!(ALARMS, "kind" => alarm.as_str()).absolute(0);
    }
}
