//! What the rules of a gateway let in and out.

use super::*;
