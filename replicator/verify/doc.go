// Package verify fetches the records at every group's position on both sides, and says whether they are the same.
//
// # Promise
//
//   - It only reads.
//   - It knows nothing of leftoff's own mapping, index or plan: only offsets and records as the two clusters serve them, so that it can catch
//     all of that being wrong.
//   - A position beyond which a record that the group has not read is missing is never called SameRecord, AtEnd, Gap, NotMirroredYet or Rereads,
//     as far as the windows reach. Where records are alike and the place can't be told, it says CantTell.
//
// # What is right
//
// A group that has read everything below u on the primary resumes at s on the secondary. Each record of the primary at u or above that was
// mirrored must be seen at least once at s or above: one whose copies all lie below s is skipped. Records below u whose copies lie at s or
// above are read again. A skip can't be seen above the position: the records there may be the right ones, one after the other. So the
// windows reach below as well: a record that lies at or above u on the primary and only below s on the secondary is what a skip looks like.
//
// What a consumer with isolation read_committed sees is compared: markers and aborted records are no records. Key, value, headers and timestamp
// have to be the same. Headers that a mirror added are a note, and so are the timestamps of a topic that has LogAppendTime on the secondary.
//
// # Basics
//
//	Check ── list ──▶ parts ── partition ──▶ row ── look ──▶ read, judge ── compare ──▶ finding
//	                                                  └──▶ far, relapsed
//
// compare is a pure function of two windows, in kinds: equal records are of one kind. A landmark is a kind that the primary's window
// holds once. Landmarks prove places; records that are alike only have to agree in number.
//
// A few records are looked at first. They settle it where the next record and a landmark below are the same, timestamps tell records apart, and the
// secondary does not end among them. Otherwise the windows are enlarged (Options.Deep), and if not even those have anything in
// common, records are looked for by their timestamps. For each partition the secondary's end is looked at, too: a mirror that was restarted and is
// copying an earlier stretch again looks right from within that stretch.
//
// # Caveats
//
// Windows end. Records that were written twice on the primary, with the same timestamps, further apart than a window, are taken for
// different ones where few records settle it. A mirror that drops a record in one pass and not in another, beyond the first
// few records, is not found out. Re-reads are counted as far as the window shows them.
//
// Of a stretch of records that are all alike nobody can tell which copy is whose: what is compared is what a consumer would see.
package verify
