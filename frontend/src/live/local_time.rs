//! The reader's own clock.

use time::{OffsetDateTime, UtcOffset};
use wasm_bindgen::JsValue;

/// How the browser's clock differs from UTC at a time. Call in effects only: the server has no browser.
pub fn local_offset(at: OffsetDateTime) -> UtcOffset {
    let millis = i32::try_from(at.unix_timestamp()).map_or(0.0, f64::from) * 1000.0;
    let behind = js_sys::Date::new(&JsValue::from_f64(millis)).get_timezone_offset();
    // Minutes, between −14 and +14 hours.
    #[expect(clippy::cast_possible_truncation, reason = "the value is a small whole number by its specification")]
    let seconds = -(behind as i32) * 60;
    UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC)
}
