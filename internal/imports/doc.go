// Package imports holds no code: its test keeps the rooms' imports pointing one way (docs/architecture.md).
package imports
