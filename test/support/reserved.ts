/** docs/format.md, "Keys" and "Marker", written out again so that a change of the source shows. */
export const MARKER_KEY = Buffer.concat([Buffer.from([0xff, 0x63, 0x6b, 0x76, 0x00]), Buffer.from('marker')])
export const RESERVED_PREFIX = MARKER_KEY.subarray(0, 5)
