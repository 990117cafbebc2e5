using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>Finds the session that a request belongs to. Stateless; takes any input.</summary>
/// <param name="options">What names it.</param>
internal sealed class StickyRule(StickyOptions options)
{
    private readonly string _source = options.ToString();

    /// <summary>The session's key; null when the request shows none, which is no error: it is an exchange like any other.</summary>
    /// <param name="message">The request's headers.</param>
    /// <param name="sessionId">What the front end passed as the session's id.</param>
    public StickyKey? KeyOf(RequestHeadersEvent message, string? sessionId)
    {
        var value = options.Source switch
        {
            StickySource.Cookie => Cookie(message.Headers, options.Name),
            StickySource.Header => message.Headers.Get(options.Name),
            StickySource.ClientAddress => message.Metadata.ClientIp,
            _ => sessionId,
        };
        return string.IsNullOrEmpty(value) ? null : StickyKey.Of(_source, value);
    }

    // RFC 6265 §4.2.1, and one line per cookie as HTTP/2 may have it. The first of a name counts.
    private static string? Cookie(HeaderBlock headers, string name)
    {
        foreach (var line in headers.GetAll("cookie"))
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var pair = line.AsSpan(range).Trim();
                var equals = pair.IndexOf('=');
                if (equals > 0 && pair[..equals].TrimEnd().SequenceEqual(name))
                {
                    return pair[(equals + 1)..].Trim().Trim('"').ToString();
                }
            }
        }

        return null;
    }
}
