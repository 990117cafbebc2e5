namespace Sidecar.Protocol.Spop;

/// <summary>Text of the peer's choice, made fit for a log line.</summary>
internal static class SpopText
{
    private const byte FirstPrintable = 0x20;
    private const byte LastPrintable = 0x7E;

    /// <summary>Bytes as text: printable ASCII as it is, anything else as a question mark, the end cut off.</summary>
    /// <param name="bytes">What the peer sent.</param>
    /// <param name="maxLength">The longest text to keep, in characters.</param>
    public static string Printable(ReadOnlySpan<byte> bytes, int maxLength) =>
        string.Create(Math.Min(bytes.Length, maxLength), bytes, static (text, source) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = source[i] is >= FirstPrintable and <= LastPrintable ? (char)source[i] : '?';
            }
        });

    /// <summary>The items of a comma-separated list, one per call; spaces around them are ignored (proxy integration §1.5).</summary>
    /// <param name="rest">The list; what is left of it afterwards.</param>
    /// <returns>The next item, which may be empty.</returns>
    public static ReadOnlySpan<byte> NextItem(ref ReadOnlySpan<byte> rest)
    {
        var comma = rest.IndexOf((byte)',');
        var item = comma < 0 ? rest : rest[..comma];
        rest = comma < 0 ? default : rest[(comma + 1)..];
        return item.Trim((byte)' ');
    }
}

/// <summary>The keys and words of HELLO and DISCONNECT (proxy integration §1.5).</summary>
internal static class SpopKeys
{
    /// <summary>The only version that HAProxy 1.8 and newer speaks.</summary>
    public static ReadOnlySpan<byte> SpokenVersion => "2.0"u8;

    public static ReadOnlySpan<byte> SupportedVersions => "supported-versions"u8;

    public static ReadOnlySpan<byte> Version => "version"u8;

    public static ReadOnlySpan<byte> MaxFrameSize => "max-frame-size"u8;

    public static ReadOnlySpan<byte> Capabilities => "capabilities"u8;

    public static ReadOnlySpan<byte> EngineId => "engine-id"u8;

    public static ReadOnlySpan<byte> HealthCheck => "healthcheck"u8;

    public static ReadOnlySpan<byte> StatusCode => "status-code"u8;

    public static ReadOnlySpan<byte> Message => "message"u8;

    public static ReadOnlySpan<byte> Pipelining => "pipelining"u8;

    public static ReadOnlySpan<byte> Fragmentation => "fragmentation"u8;

    public static ReadOnlySpan<byte> Async => "async"u8;
}
