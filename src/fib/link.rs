//! What the kernel does by itself when a link changes, mirrored: it says nothing about it but the link event.

use super::Fib;
use super::objects::Phase;
use super::routes::FLYING;
use super::routes::Ref;
use super::routes::UNSURE;

use crate::types::LinkIndex;

impl Fib {
    /// The link has no carrier or is down. The kernel has deleted the next hops on it, shrunk their groups, and
    /// deleted groups without a member left together with their routes, without a word: this mirrors it.
    ///
    /// Needs no message to the kernel, and takes time by groups, not by routes.
    pub fn link_down(&mut self, link: LinkIndex) {
        self.events += 1;
        self.unsettled.forget();
        self.down.insert(link);
        self.dropped.insert(link, self.events);
        let mut on_link = Vec::new();
        for (id, hop) in &mut self.objects.hops {
            if hop.key.link != link && hop.detour != Some(link) {
                continue;
            }
            hop.dropped_at = self.events;
            if hop.phase == Phase::Present {
                // Not `Absent`: if the news is late, the link was up again and we put it there after that.
                hop.phase = Phase::Unsure;
            }
            on_link.push(*id);
        }
        for id in on_link {
            self.drop_members(id);
        }
        // A plain route stays when the carrier is lost and goes when the link is set down: either is possible.
        for prefix in self.pinned_on(link) {
            self.routes.change(&prefix, |cell| {
                if cell.have != Ref::NONE {
                    cell.set(UNSURE, true);
                }
            });
        }
    }

    /// The kernel has taken a next hop out of all its groups, and deleted those that it left empty with their routes.
    pub(super) fn drop_members(&mut self, hop: u32) {
        let Some(users) = self.objects.hops.get(&hop).map(|state| &state.users) else { return };
        for group_id in users {
            let Some(group) = self.objects.groups.get_mut(group_id) else { continue };
            self.objects.dirty_groups.insert(*group_id);
            let Some(held) = &mut group.have else { continue };
            held.members.retain(|(member, _)| *member != hop);
            if held.members.is_empty() {
                held.sure = false;
                group.vanished = true;
                group.vanished_at = self.events;
            }
        }
    }

    /// The link is up with a carrier: next hops, members, vanished groups and their routes are put back.
    ///
    /// For an index that is not known to be down nothing happens, except that what failed on it is tried at once.
    pub fn link_up(&mut self, link: LinkIndex) {
        if self.down.remove(&link) {
            self.unsettle();
        }
        let on_link: Vec<u32> =
            self.objects.hops.iter().filter(|(_, hop)| hop.key.link == link).map(|(id, _)| *id).collect();
        for id in on_link {
            if let Some(hop) = self.objects.hops.get_mut(&id) {
                hop.trouble = None;
            }
            self.objects.touch_users(id);
            self.objects.dirty_hops.insert(id);
            self.doubt_barred(id);
        }
        for prefix in self.pinned_on(link) {
            self.forgive(&prefix);
            self.queue.push(&prefix);
        }
    }

    /// The link does not exist any more. As [`Fib::link_down`], and its plain routes are gone for certain.
    pub fn link_gone(&mut self, link: LinkIndex) {
        self.link_down(link);
        for prefix in self.pinned_on(link) {
            self.forgive(&prefix);
            let here = self.links.known(link);
            let gone = self.routes.get(&prefix).is_some_and(|cell| !cell.is(FLYING) && cell.have == here);
            if gone {
                self.set_have(&prefix, Ref::NONE);
                self.routes.change(&prefix, |cell| cell.set(UNSURE, false));
            }
        }
    }
}
