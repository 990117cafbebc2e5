namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The names of arguments that have a place of their own. Stateless.</summary>
internal static class SpopArgumentNames
{
    /// <summary>Longest name of an argument that is looked at, in bytes.</summary>
    public const int Longest = 64;

    /// <summary>The known name, with <c>-</c> for <c>_</c>; null for one that has no place.</summary>
    public static string? Known(ReadOnlySpan<byte> name)
    {
        if (name.Length > Longest)
        {
            return null;
        }

        Span<byte> folded = stackalloc byte[Longest];
        name.Replace(folded, (byte)'_', (byte)'-');
        return Folded(folded[..name.Length]);
    }

    private static string? Folded(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("id"u8) => "id",
        3 when name.SequenceEqual("src"u8) => "src",
        3 when name.SequenceEqual("uri"u8) => "uri",
        3 when name.SequenceEqual("ver"u8) => "ver",
        3 when name.SequenceEqual("sni"u8) => "sni",
        3 when name.SequenceEqual("len"u8) => "len",
        4 when name.SequenceEqual("body"u8) => "body",
        5 when name.SequenceEqual("route"u8) => "route",
        5 when name.SequenceEqual("whole"u8) => "whole",
        6 when name.SequenceEqual("method"u8) => "method",
        6 when name.SequenceEqual("status"u8) => "status",
        7 when name.SequenceEqual("headers"u8) => "headers",
        8 when name.SequenceEqual("src-port"u8) => "src-port",
        8 when name.SequenceEqual("body-len"u8) => "body-len",
        9 when name.SequenceEqual("body-size"u8) => "body-size",
        10 when name.SequenceEqual("tls-cipher"u8) => "tls-cipher",
        11 when name.SequenceEqual("tls-version"u8) => "tls-version",
        12 when name.SequenceEqual("headers-text"u8) => "headers-text",
        _ => null,
    };
}
