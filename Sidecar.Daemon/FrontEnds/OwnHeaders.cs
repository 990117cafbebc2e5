using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds;

/// <summary>The names that are the daemon's own: nobody else's headers of these names are believed or shown to agents (rule 9).</summary>
internal static class OwnHeaders
{
    private static ReadOnlySpan<byte> Prefix => "x-sidecar-"u8;

    /// <summary>Whether a lower-case name is one of ours; <c>_</c> and <c>-</c> are one.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> lowerName)
    {
        if (lowerName.Length < Prefix.Length)
        {
            return false;
        }

        for (var i = 0; i < Prefix.Length; i++)
        {
            if (lowerName[i] != Prefix[i] && !(lowerName[i] == (byte)'_' && Prefix[i] == (byte)'-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The headers without those of ours; the same object when there are none.</summary>
    public static HeaderBlock Without(HeaderBlock headers)
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
}
