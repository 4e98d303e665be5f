package failover

import "context"

// Holds says whether a log has anything of a link, by its LinkID.
func Holds(ctx context.Context, log Log, link string) (bool, error) {
	there := false
	err := log.Read(ctx, func(offset int64, value []byte) {
		e, err := decode(offset, value)
		there = there || err == nil && e.Link == link
	})
	return there, err
}
