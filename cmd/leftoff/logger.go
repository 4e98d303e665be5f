package main

import (
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logger writes to stderr: for people on a terminal, JSON for machines. level counts where --log-level says nothing.
func (a *app) logger(level string) (*zap.Logger, error) {
	if a.logLevel != "" {
		level = a.logLevel
	}
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, usage("--log-level %s: no such level", level).hint("debug, info, warn or error")
	}
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewJSONEncoder(cfg)
	switch {
	case a.logFormat == "console" || a.logFormat == "auto" && terminal(a.err):
		cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		cfg.ConsoleSeparator = "  "
		encoder = zapcore.NewConsoleEncoder(cfg)
	case a.logFormat != "json" && a.logFormat != "auto":
		return nil, usage("--log-format %s: no such format", a.logFormat).hint("console, json or auto")
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(a.err)), at)), nil
}

// terminal says whether a person is at the other end.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull
}
