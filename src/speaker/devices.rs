//! A device is drained on the whole gateway: what a person says to one instance, the other does too.
//!
//! Owns what was said last of each device, and its number: it stands in every hello, so that one that was away hears of it.
//! How a drain goes is [`super::drains`]'s.

use super::{Effect, Speaker};
use crate::drain::{Step, Target};
use crate::twin::{DeviceOrder, Presence};
use crate::types::{Name, Time};

impl Speaker {
    /// A person has said so, here.
    pub(super) fn order_device(&mut self, device: &Name, drained: bool, reason: Option<String>, forced: bool) {
        let number = self.pair.devices.iter().map(|order| order.number).max().unwrap_or(0).saturating_add(1);
        self.note_order(DeviceOrder { device: device.clone(), number, drained, reason, forced });
    }

    /// The twin says what it knows. What is later than what is known here is done.
    pub(super) fn heed_devices(&mut self, now: Time, said: &[DeviceOrder], out: &mut Vec<Effect>) {
        for order in said {
            let target = Target::Device(order.device.clone());
            if !self.has(&target) {
                continue; // its file may have more than ours; it says so again with every hello
            }
            let known = self.pair.devices.iter().find(|known| known.device == order.device);
            // Two people at the same moment: who wants it drained has to do with it.
            let later = known.is_none_or(|known| (order.number, order.drained) > (known.number, known.drained));
            if !later {
                continue;
            }
            self.note_order(order.clone());
            let step = self.drains.of(&target).map(|work| work.machine.step().0);
            let under_way = step.is_some_and(|step| step < Step::Returning);
            if !order.drained {
                self.undrain(now, &target, out);
            } else if !under_way {
                // What speaks against it the other has looked at, for both.
                self.begin_drain(now, target, order.reason.clone(), order.forced, Vec::new(), out);
            }
        }
    }

    /// What becomes of it on the other instance, in a sentence.
    pub(super) fn on_the_other(&self, target: &Target) -> Option<String> {
        let Target::Device(device) = target else { return None };
        let order = self.pair.devices.iter().find(|order| order.device == *device);
        let word = if order.is_some_and(|order| order.drained) { "drain" } else { "undrain" };
        let Some(twin) = &self.pair.twin else {
            let other = self.config.model.twin(&self.instance)?;
            return Some(format!(
                "{} cannot be told, for want of a twin-link: run {word} device {device} there",
                other.name
            ));
        };
        let name = &twin.settings().twin;
        Some(match twin.presence() {
            Presence::Present => format!("{name} does the same"),
            Presence::Never | Presence::Silent | Presence::Left => {
                format!("{name} is not there: it does the same once it is heard of")
            }
        })
    }

    fn note_order(&mut self, order: DeviceOrder) {
        self.pair.devices.retain(|known| known.device != order.device);
        self.pair.devices.push(order);
    }
}
