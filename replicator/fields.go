package replicator

import "go.uber.org/zap"

// Field names of the log are fixed: people search for them.
func linkField(link string) zap.Field   { return zap.String("link", link) }
func groupField(group string) zap.Field { return zap.String("group", group) }
func topicField(topic string) zap.Field { return zap.String("topic", topic) }
func partitionField(n int32) zap.Field  { return zap.Int32("partition", n) }
func whyField(why string) zap.Field     { return zap.String("why", why) }
