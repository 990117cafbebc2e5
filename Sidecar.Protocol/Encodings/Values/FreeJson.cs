using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Free JSON values of peers and operators: configurations, audit data, rules.</summary>
/// <remarks>
/// System.Text.Json reads values whose strings are no text, that is names with bytes that are no UTF-8 and escapes of half a surrogate
/// pair, and throws, or writes something else, when somebody uses them much later. Here they become U+FFFD, as everywhere, before anybody
/// does.
/// </remarks>
internal static class FreeJson
{
    private const int EscapeLength = 6;

    /// <summary>The value with U+FFFD for whatever in its strings is no character; the very value when there is no such thing.</summary>
    internal static JsonElement Repaired(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return value;
        }

        var raw = JsonMarshal.GetRawUtf8Value(value);
        var isUtf8 = Utf8.IsValid(raw);
        if (isUtf8 && HalfAt(raw, 0) < 0)
        {
            return value;
        }

        var text = isUtf8 ? raw.ToArray() : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(raw));
        for (var at = HalfAt(text, 0); at >= 0; at = HalfAt(text, at + EscapeLength))
        {
            "\\ufffd"u8.CopyTo(text.AsSpan(at));
        }

        return JsonElement.Parse(text);
    }

    // The next escape that is half a surrogate pair; -1 for none. In JSON that was read, a backslash stands only where an escape begins.
    private static int HalfAt(ReadOnlySpan<byte> json, int from)
    {
        while (json[from..].IndexOf((byte)'\\') is >= 0 and var distance)
        {
            var at = from + distance;
            var unit = UnitAt(json[at..]);
            if (!char.IsSurrogate(unit))
            {
                from = at + (json[at + 1] == (byte)'u' ? EscapeLength : 2);
            }
            else if (char.IsHighSurrogate(unit) && char.IsLowSurrogate(UnitAt(json[(at + EscapeLength)..])))
            {
                from = at + (2 * EscapeLength);
            }
            else
            {
                return at;
            }
        }

        return -1;
    }

    // What an escape of the form \uXXXX stands for; NUL for anything else.
    private static char UnitAt(ReadOnlySpan<byte> json) =>
        json.StartsWith("\\u"u8) && Utf8Parser.TryParse(json.Slice(2, 4), out ushort unit, out var length, 'x') && length == 4
            ? (char)unit
            : '\0';
}
