package pieces

import "github.com/appbur/appbur"

// The sizes of pieces. A piece of rows ends between Least and Greatest, on average
// in the middle.
//
//   - Plain pieces are of about a quarter of a MiB. Git stores a changed piece completely
//     until maintenance finds the delta, so a change at the end of a table should not
//     rewrite much of it. Measured on 20 MB of rows, 1 % of them changed at the end:
//     pieces of 512 KiB add 4.3 % at once, of 256 KiB 2.6 %, of 128 KiB 1.3 %; after
//     deltas 1 % scattered changes add 0.25 %, 0.6 % and 1.3 %.
//   - Sealed pieces have no deltas, ever, so they are smaller still. Each costs some
//     300 bytes for its keys.
//   - Opaque bytes are cut by content; see contentsplit.go.
const (
	plainTarget  = 256 << 10
	sealedTarget = 64 << 10
)

// LayoutOf chooses how the payload of a dataset is cut. It depends on nothing but
// what the dataset is, so that the next point cuts the same way.
func LayoutOf(d appbur.Dataset) appbur.Layout {
	target := plainTarget
	if d.Sensitive {
		target = sealedTarget
	}
	switch {
	case d.MediaType != appbur.MediaTypeRows:
		return appbur.Layout{Method: appbur.LayoutContent, Least: target / 4, Greatest: 4 * target}
	case len(d.Key) == 0:
		return appbur.Layout{Method: appbur.LayoutRow, Least: target / 4, Greatest: target / 4 * 7}
	default:
		return appbur.Layout{Method: appbur.LayoutKey, Least: target / 4, Greatest: target / 4 * 7}
	}
}
