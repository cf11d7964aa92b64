//! What the twin says of devices that a person drained.

use super::*;
use crate::twin::DeviceOrder;

fn order(device: &str, number: u64) -> DeviceOrder {
    DeviceOrder { device: device.parse().unwrap(), number, drained: true, reason: None, forced: true }
}

#[test]
fn orders_for_devices_that_are_not_here_are_not_kept_and_the_highest_number_is_no_end() {
    let mut bench = Bench::new();
    let mut out = Vec::new();
    let said = [order("elsewhere", 7), order("hq-1", u64::MAX)];
    bench.speaker.heed_devices(bench.now, &said, &mut out);
    assert_eq!(bench.speaker.pair.devices, [order("hq-1", u64::MAX)]);
    bench.speaker.order_device(&"hq-1".parse().unwrap(), false, None, true);
    let [known] = &bench.speaker.pair.devices[..] else { panic!("{:?}", bench.speaker.pair.devices) };
    assert_eq!((known.number, known.drained), (u64::MAX, false));
}
