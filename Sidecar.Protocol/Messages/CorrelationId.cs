using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Sidecar.Protocol.Messages;

/// <summary>The id that joins all events of one request and its answers on a connection (spec §5.1).</summary>
/// <remarks>
/// Ids minted by us are 128 bits written as 32 lower-case hexadecimal digits and are held as a number, so that they compare and hash
/// without a string. Any other text a peer chooses is kept as it came. The default value is the empty id, which never matches a call.
/// </remarks>
public readonly struct CorrelationId : IEquatable<CorrelationId>
{
    /// <summary>Length of an id of ours in hexadecimal digits.</summary>
    public const int HexLength = 32;

    private readonly UInt128 _value;
    private readonly string? _text;

    /// <summary>An id of ours. Zero is the empty id.</summary>
    public CorrelationId(UInt128 value) => _value = value;

    private CorrelationId(string text) => _text = text;

    /// <summary>True for the id that matches nothing.</summary>
    public bool IsEmpty => _text is null && _value == 0;

    /// <summary>Characters of its text.</summary>
    public int Length => _text?.Length ?? (_value == 0 ? 0 : HexLength);

    /// <summary>The longest UTF-8 form of this id, in bytes.</summary>
    public int MaxUtf8Length => _text is null ? HexLength : Encoding.UTF8.GetMaxByteCount(_text.Length);

    /// <summary>Reads an id from its UTF-8 text; invalid UTF-8 is replaced, so that any bytes give some id.</summary>
    public static CorrelationId Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return default;
        }

        return TryParseHex(utf8, out var value) ? new CorrelationId(value) : new CorrelationId(Encoding.UTF8.GetString(utf8));
    }

    /// <summary>Reads an id from its text.</summary>
    public static CorrelationId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Span<byte> utf8 = stackalloc byte[HexLength];
        if (text.Length == HexLength && Encoding.UTF8.TryGetBytes(text, utf8, out var written) && written == HexLength
            && TryParseHex(utf8, out var value))
        {
            return new CorrelationId(value);
        }

        return text.Length == 0 ? default : new CorrelationId(text);
    }

    /// <summary>Writes the id's UTF-8 text and returns its length in bytes.</summary>
    /// <param name="destination">At least <see cref="MaxUtf8Length"/> bytes.</param>
    public int WriteUtf8(Span<byte> destination)
    {
        if (_text is not null)
        {
            return Encoding.UTF8.GetBytes(_text, destination);
        }

        if (_value == 0)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _value);
        Convert.TryToHexStringLower(bytes, destination, out var written);
        return written;
    }

    /// <inheritdoc/>
    public bool Equals(CorrelationId other) =>
        _value == other._value && (ReferenceEquals(_text, other._text) || string.Equals(_text, other._text, StringComparison.Ordinal));

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is CorrelationId other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _text is null ? _value.GetHashCode() : _text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => _text ?? (_value == 0 ? "" : _value.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>Whether two ids are the same.</summary>
    public static bool operator ==(CorrelationId left, CorrelationId right) => left.Equals(right);

    /// <summary>Whether two ids differ.</summary>
    public static bool operator !=(CorrelationId left, CorrelationId right) => !left.Equals(right);

    // Only lower-case digits make a number: an id must be echoed byte for byte, and zero stays text because it would read as empty.
    private static bool TryParseHex(ReadOnlySpan<byte> utf8, out UInt128 value)
    {
        value = default;
        if (utf8.Length != HexLength || utf8.IndexOfAnyInRange((byte)'A', (byte)'F') >= 0)
        {
            return false;
        }

        if (!Utf8Parser.TryParse(utf8[..16], out ulong upper, out var first, 'x') || first != 16
            || !Utf8Parser.TryParse(utf8[16..], out ulong lower, out var second, 'x') || second != 16)
        {
            return false;
        }

        value = new UInt128(upper, lower);
        return value != 0;
    }
}
