package region

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var errUnknownRequest = errors.New("a request of a kind that nobody knows")

// arrived looks at a request before kfake does. It returns once the request may be handed over: with an exchange where
// the answer is of interest, and silent where kfake sends none.
func (r *Region) arrived(c *conn, frame []byte) (x exchange, silent bool, err error) {
	select {
	case <-r.ready:
	case <-c.closed:
		return nil, false, net.ErrClosed
	}
	b := kbin.Reader{Src: frame}
	key, version := b.Int16(), b.Int16()
	b.Int32() // correlation id
	client := b.NullableString()
	req := kmsg.RequestForKey(key)
	if req == nil {
		return nil, false, fmt.Errorf("key %d: %w", key, errUnknownRequest)
	}
	req.SetVersion(version)
	if req.IsFlexible() {
		kmsg.SkipTags(&b)
	}
	if err := b.Complete(); err != nil {
		return nil, false, fmt.Errorf("request header: %w", err)
	}
	if _, ok := req.(*kmsg.ProduceRequest); ok {
		return nil, acknowledgesNothing(b, version), nil
	}
	if !watched(req) || req.ReadFrom(b.Src) != nil {
		return nil, false, nil // kfake answers what it can't read
	}
	if client == nil {
		client = new(string)
	}
	x, err = r.exchange(c, req, *client)
	return x, false, err
}

// acknowledgesNothing reports acks=0. The transactional id is before it.
func acknowledgesNothing(b kbin.Reader, version int16) bool {
	switch {
	case version >= 9:
		b.CompactNullableString()
	case version >= 3:
		b.NullableString()
	}
	return b.Int16() == 0
}

func watched(req kmsg.Request) bool {
	switch req.(type) {
	case *kmsg.OffsetCommitRequest, *kmsg.TxnOffsetCommitRequest, *kmsg.OffsetDeleteRequest, *kmsg.DeleteGroupsRequest, *kmsg.DeleteTopicsRequest,
		*kmsg.JoinGroupRequest, *kmsg.SyncGroupRequest, *kmsg.LeaveGroupRequest, *kmsg.ConsumerGroupHeartbeatRequest:
		return true
	}
	return false
}

func (r *Region) exchange(c *conn, req kmsg.Request, client string) (exchange, error) {
	switch req := req.(type) {
	case *kmsg.OffsetCommitRequest:
		return r.commitArrived(c, req)
	case *kmsg.TxnOffsetCommitRequest:
		return r.txnCommitArrived(c, req)
	case *kmsg.OffsetDeleteRequest:
		return r.offsetDeleteArrived(c, req)
	case *kmsg.DeleteGroupsRequest:
		return r.deleteGroupsArrived(c, req)
	case *kmsg.DeleteTopicsRequest:
		return r.deleteTopicsArrived(c, req)
	case *kmsg.JoinGroupRequest:
		r.groups.joining(req)
		return &membershipExchange{r, req.Group}, nil
	case *kmsg.SyncGroupRequest:
		return &membershipExchange{r, req.Group}, nil
	case *kmsg.LeaveGroupRequest:
		return &membershipExchange{r, req.Group}, nil
	case *kmsg.ConsumerGroupHeartbeatRequest:
		r.groups.beating(req)
		return &membershipExchange{r, req.Group}, nil
	}
	return nil, nil
}

// hold takes the groups' locks, or all of them, while c is open.
func (r *Region) hold(c *conn, groups ...string) (release func(), err error) {
	slices.Sort(groups)
	return r.locks.acquire(c.closed, slices.Compact(groups)...)
}

// membershipExchange is any request that may change who is a member. It takes no lock while it waits for a rebalance.
type membershipExchange struct {
	r     *Region
	group string
}

func (x *membershipExchange) answered(frame []byte) []byte {
	x.r.groups.observe(x.group)
	return frame
}

func (x *membershipExchange) lost() {
	x.r.background(func() { x.r.groups.observe(x.group) })
}
