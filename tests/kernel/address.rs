//! The shared address of a gateway in the real kernel: it goes by itself, it is told and asked for on the network side,
//! and what somebody else has put there stays.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};
use twinspan::role::io::{Keeper, News};
use twinspan::role::{Answer, Shared, Work};

use crate::space::{Space, within};

const LEASE: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(20);
const ADDRESSES: [&str; 2] = ["10.20.255.30", "fd00:20::ff7f"];

fn shared(address: &str, interface: Option<&str>) -> Shared {
    let interface = interface.map(str::to_owned);
    Shared { address: address.parse().unwrap(), interface, tunnels: Vec::new(), protocol: 179 }
}

/// Runs a test on a runtime inside of a namespace with a pair of interfaces, `d1` and `p1`.
fn keeping<F: Future<Output = ()> + 'static>(test: fn(Stage) -> F) {
    within(move |space| {
        space.pair(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (news, told) = tokio::sync::mpsc::unbounded_channel();
            let space = Space::same(space);
            test(Stage { keeper: Keeper::start(news).unwrap(), told, space }).await;
        });
    });
}

struct Stage {
    keeper: Keeper,
    told: UnboundedReceiver<News>,
    space: Space,
}

impl Stage {
    async fn next(&mut self) -> News {
        timeout(SOON, self.told.recv()).await.unwrap().unwrap()
    }

    fn shows(&self, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        let length = if address.is_ipv4() { 32 } else { 128 };
        self.space.ip("-o addr show").contains(&format!("{address}/{length}"))
    }

    async fn until_gone(&self, address: &str) {
        let end = Instant::now() + SOON;
        while self.shows(address) {
            assert!(Instant::now() < end, "{}", self.space.ip("addr show"));
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[test]
fn an_address_that_is_not_renewed_goes_by_itself_and_one_that_is_stays() {
    keeping(|mut stage: Stage| async move {
        for (address, interface) in [(ADDRESSES[0], Some("d1")), (ADDRESSES[1], Some("d1")), (ADDRESSES[0], None)] {
            let shared = shared(address, interface);
            stage.keeper.obey(Work::Hold(shared.clone(), LEASE));
            assert!(matches!(stage.next().await, News::Held));
            assert!(stage.shows(address) && Keeper::found(&shared));
            for _ in 0..12 {
                sleep(LEASE / 8).await;
                stage.keeper.obey(Work::Renew(shared.clone(), LEASE));
            }
            assert!(stage.shows(address), "{}", stage.space.ip("addr show"));
            stage.until_gone(address).await;
            assert!(!Keeper::found(&shared));
            // Somebody takes it away: the next renewal puts it there again, and that is told.
            stage.keeper.obey(Work::Hold(shared.clone(), LEASE));
            assert!(matches!(stage.next().await, News::Held));
            stage.keeper.obey(Work::Drop(shared));
            assert!(matches!(stage.next().await, News::Dropped(Ok(()))));
            assert!(!stage.shows(address));
        }
    });
}

#[test]
fn an_address_that_somebody_else_has_put_there_is_not_touched() {
    keeping(|mut stage: Stage| async move {
        for address in ADDRESSES {
            stage.space.ip(&format!("addr add {address} dev d1"));
            let shared = shared(address, Some("d1"));
            stage.keeper.obey(Work::Hold(shared.clone(), LEASE));
            let News::NotHeld(why) = stage.next().await else { panic!("it was taken") };
            assert!(why.contains("on d1 already, and not by us"), "{why}");
            stage.keeper.obey(Work::Renew(shared.clone(), LEASE));
            stage.keeper.obey(Work::Drop(shared));
            assert!(matches!(stage.next().await, News::Dropped(Ok(()))), "what is told once is enough");
            assert!(stage.shows(address));
        }
    });
}

#[test]
fn the_network_side_says_who_has_an_address_and_learns_who_has_it_now() {
    keeping(|mut stage: Stage| async move {
        let space = &stage.space;
        let far = Space::beside(space);
        space.ip(&format!("link set p1 netns {}", far.name()));
        far.ip("link set p1 up");
        for address in ADDRESSES {
            let length = if address.contains(':') { "128 nodad" } else { "32" };
            let shared = shared(address, Some("d1"));
            // The kernel makes a link-local address in its own time.
            let end = Instant::now() + SOON;
            loop {
                stage.keeper.obey(Work::Ask(shared.clone()));
                match stage.next().await {
                    News::Answered(Answer::Nobody) => break,
                    News::Answered(Answer::Unknown(_)) if Instant::now() < end => {
                        sleep(Duration::from_millis(100)).await;
                    }
                    other => panic!("{other:?}: {}", stage.space.ip("addr show")),
                }
            }
            far.ip(&format!("addr add {address}/{length} dev p1"));
            let mac = far.ip("-o link show p1").split("link/ether ").nth(1).unwrap()[..17].to_owned();
            stage.keeper.obey(Work::Ask(shared.clone()));
            let News::Answered(answer) = stage.next().await else { panic!("no answer") };
            assert_eq!(answer, Answer::Somebody(mac));
            // The other side gives it up, and still believes in a third host.
            far.ip(&format!("addr del {address}/{} dev p1", &length[..length.len().min(3)]));
            far.ip(&format!("neigh replace {address} lladdr 02:00:00:00:00:99 nud stale dev p1"));
            stage.keeper.obey(Work::Hold(shared.clone(), LEASE));
            assert!(matches!(stage.next().await, News::Held));
            stage.keeper.obey(Work::Announce(shared.clone()));
            let mine = stage.space.ip("-o link show d1").split("link/ether ").nth(1).unwrap()[..17].to_owned();
            let end = Instant::now() + SOON;
            while !far.ip(&format!("neigh show {address} dev p1")).contains(&mine) {
                assert!(Instant::now() < end, "{}", far.ip("neigh show"));
                sleep(Duration::from_millis(20)).await;
            }
            stage.keeper.obey(Work::Drop(shared));
            assert!(matches!(stage.next().await, News::Dropped(Ok(()))));
        }
        // An interface that is down cannot be asked, which is not the same as nobody.
        stage.space.ip("link set d1 down");
        stage.keeper.obey(Work::Ask(shared(ADDRESSES[0], Some("d1"))));
        assert!(matches!(stage.next().await, News::Answered(Answer::Unknown(_))));
    });
}
