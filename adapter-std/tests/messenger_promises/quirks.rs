//! Random sets of quirks with which a gateway still fulfils the client's requirements.

use gateway_emulator::Quirks;

use super::chance::Chance;

/// The values of the report clock, in seconds ahead of the gateway's clock.
const REPORT_CLOCKS: [&str; 7] = ["-50400", "-25200", "-3600", "-7", "5", "3600", "50400"];

/// The quirks of an inbox without an order.
const WITHOUT_ORDER: [&str; 2] = ["newest-first", "shuffled-inbox"];

/// The quirks that are unusable without an order: they hide messages that no other response shows.
const HIDING: [&str; 2] = ["cut-records", "raw-quotes"];

/// Draws random quirks, by name.
pub fn draw(chance: &mut Chance) -> Vec<String> {
    let mut drawn = Vec::new();
    for name in Quirks::names() {
        let value = match name {
            "report-clock=N" => chance.pick(&REPORT_CLOCKS).to_owned(),
            _ => (1 + chance.below(6)).to_string(),
        };
        let is_drawn = chance.once_in(8);
        // A gateway that redirects every request is not usable.
        if is_drawn && !name.starts_with("redirect") {
            drawn.push(name.replace("=N", &format!("={value}")));
        }
    }
    if !has_order(&drawn) {
        drawn.retain(|name| !HIDING.contains(&name.as_str()));
    }
    // A message that shares its id with an unreadable message is never shown without that message.
    if drawn.iter().any(|name| name == "equal-ids") {
        drawn.retain(|name| name != "raw-quotes");
    }
    drawn
}

/// Whether a gateway lists its inbox in an order that lets a client continue after a page.
pub fn has_order(drawn: &[String]) -> bool {
    !drawn.iter().any(|name| WITHOUT_ORDER.contains(&name.as_str()))
}
