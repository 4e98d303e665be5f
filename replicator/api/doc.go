// Package api is what a person or a program sees of a running leftoff: JSON types made from snapshots of the core, the HTTP
// server that hands them out, and the client behind the command line.
//
// Promise. JSON keys are stable: they are added to, never renamed or given another meaning within a major version. A number
// that is not known is null, never 0 or −1. Nothing here changes state but POST /reclaim.
//
//	GET  /status                     every link and group, in short                       Status
//	GET  /groups?link=&group=        the same with every partition                        Groups
//	GET  /plan?link=&group=          what would be written now, and why the rest would not Plan
//	GET  /translate?link=&topic=&partition=&offset=&reverse=                              Translation
//	POST /reclaim  Reclaim           gives a group back to leftoff                        Reclaimed
//	GET  /metrics  /healthz (the process lives)  /readyz (every link has caught up)       /  (a page for people)
//
// Errors are Problem with status 400, 404, 409, 500 or 503.
//
// Caveats. There is no login. The server answers on loopback by default, refuses cross-origin requests, and a server on
// loopback refuses foreign Host names (DNS rebinding). /status and /groups walk over all groups: ask every few seconds, not
// a hundred times a second.
package api
