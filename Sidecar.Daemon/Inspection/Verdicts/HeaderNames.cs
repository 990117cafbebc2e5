using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// Names that mean the same in every front end and in what agents write: the sidecar's own, and those of one connection (rules 5, 9, 16).
/// Stateless.
/// </summary>
internal static class HeaderNames
{
    /// <summary>What the sidecar's own names begin with.</summary>
    public const string OwnPrefix = "x-sidecar-";

    /// <summary>
    /// Names, in lower case, of the connection that a message comes on (RFC 9110 §7.6.1): a proxy has its own on the next one.
    /// </summary>
    public static IReadOnlyList<string> OfTheConnection { get; } =
        ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

    /// <summary>Whether a name is the sidecar's own, in any case; <c>_</c> and <c>-</c> are one, as they are to many upstreams.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> name) =>
        name.Length >= OwnPrefix.Length && IsDash(name[1]) && IsDash(name[9]) && Ascii.EqualsIgnoreCase(name[..1], "x"u8)
            && Ascii.EqualsIgnoreCase(name[2..9], "sidecar"u8);

    /// <inheritdoc cref="IsOwn(ReadOnlySpan{byte})"/>
    public static bool IsOwn(ReadOnlySpan<char> name) =>
        name.Length >= OwnPrefix.Length && name[1] is ('-' or '_') && name[9] is ('-' or '_')
        && Ascii.EqualsIgnoreCase(name[..1], "x") && Ascii.EqualsIgnoreCase(name[2..9], "sidecar");

    /// <summary>The headers without those of ours; the same object when there are none.</summary>
    public static HeaderBlock WithoutOwn(HeaderBlock headers)
    {
        var own = 0;
        for (var i = 0; i < headers.Count; i++)
        {
            own += IsOwn(headers.Name(i)) ? 1 : 0;
        }

        if (own == 0)
        {
            return headers;
        }

        var rest = new HeaderBlock(headers.Count - own, headers.ByteCount);
        for (var i = 0; i < headers.Count; i++)
        {
            if (IsOwn(headers.Name(i)))
            {
                continue;
            }

            if (headers.HasValue(i))
            {
                rest.Add(headers.Name(i), headers.Value(i));
            }
            else
            {
                rest.AddNameOnly(headers.Name(i));
            }
        }

        return rest;
    }

    /// <summary>Those names among the headers that are the sidecar's own, each once, in lower case.</summary>
    public static IReadOnlyList<string> OwnIn(HeaderBlock headers)
    {
        List<string>? own = null;
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers.IsFirstOfName(i) && IsOwn(headers.Name(i)))
            {
                (own ??= []).Add(Encoding.ASCII.GetString(headers.Name(i)));
            }
        }

        return own ?? [];
    }

    private static bool IsDash(byte letter) => letter is (byte)'-' or (byte)'_';
}
