namespace Sidecar.Protocol.Spop;

/// <summary>
/// Writes the lists of headers that HAProxy applies with <c>set-headers-bin</c>, <c>add-headers-bin</c> and <c>del-headers-bin</c> or the
/// Lua file (proxy integration §1.8, §1.9). A list without its end fails the transaction.
/// </summary>
/// <remarks>
/// <code>
/// set, add   ( varint length, name, varint length, value )*  00 00
/// del        ( varint length, name )*  00
/// </code>
/// HAProxy checks neither names nor values, so what would split a header is refused here, too. No state, any thread.
/// </remarks>
public static class SpopHeaderLists
{
    /// <summary>The bytes of the end of a set or add list.</summary>
    public const int FieldsEndSize = 2;

    /// <summary>The bytes of the end of a del list.</summary>
    public const int NamesEndSize = 1;

    private static readonly SearchValues<byte> Splitting = SearchValues.Create("\r\n\0"u8);

    /// <summary>The bytes of one field in a set or add list.</summary>
    public static int SizeOfField(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value) => SizeOfName(name) + SizeOfName(value);

    /// <summary>The bytes of one name in a del list.</summary>
    public static int SizeOfName(scoped ReadOnlySpan<byte> name) => SpopVarint.SizeOf((ulong)name.Length) + name.Length;

    /// <summary>Writes one field of a set or add list.</summary>
    /// <exception cref="ArgumentException">The name is empty, which would end the list, or either has a CR, LF or NUL.</exception>
    public static void WriteField(IBufferWriter<byte> output, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(output);
        CheckName(name);
        if (value.ContainsAny(Splitting))
        {
            throw new ArgumentException("A header value has a CR, LF or NUL, which HAProxy would pass on.", nameof(value));
        }

        var writer = new SpopWriter(output.GetSpan(SizeOfField(name, value)));
        writer.WriteString(name);
        writer.WriteString(value);
        output.Advance(writer.Written);
    }

    /// <summary>Ends a set or add list.</summary>
    public static void WriteFieldsEnd(IBufferWriter<byte> output) => WriteZeros(output, FieldsEndSize);

    /// <summary>Writes one name of a del list.</summary>
    /// <exception cref="ArgumentException">The name is empty, which would end the list, or has a CR, LF or NUL.</exception>
    public static void WriteName(IBufferWriter<byte> output, scoped ReadOnlySpan<byte> name)
    {
        ArgumentNullException.ThrowIfNull(output);
        CheckName(name);
        var writer = new SpopWriter(output.GetSpan(SizeOfName(name)));
        writer.WriteString(name);
        output.Advance(writer.Written);
    }

    /// <summary>Ends a del list.</summary>
    public static void WriteNamesEnd(IBufferWriter<byte> output) => WriteZeros(output, NamesEndSize);

    private static void CheckName(scoped ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.ContainsAny(Splitting))
        {
            throw new ArgumentException("A header name is empty or has a CR, LF or NUL, which HAProxy would pass on.", nameof(name));
        }
    }

    private static void WriteZeros(IBufferWriter<byte> output, int count)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.GetSpan(count)[..count].Clear();
        output.Advance(count);
    }
}
