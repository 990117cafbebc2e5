using System.Globalization;
using System.Text;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>Renders what a client gets instead of the upstream's answer (proxy integration §6.3). Stateless.</summary>
/// <remarks>
/// Complete, for a front end that can only send it.
/// Never cached, never with headers of framing or of a connection: what of an agent's decision cannot be sent is replaced or left out here
/// too (<see cref="DecisionRules"/>), whoever made the verdict.
/// </remarks>
internal static class ReplyRenderer
{
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>The answer for a verdict that does not let the request pass.</summary>
    /// <exception cref="ArgumentException">The verdict is allow: there is nothing to answer.</exception>
    public static Reply Render(Verdict verdict)
    {
        if (verdict is { Kind: VerdictKind.FailedClosed } or { Kind: not VerdictKind.Block, Decision: null, IsAllow: false })
        {
            return FailedClosed(verdict);
        }

        return DecisionRules.Fit(verdict.Decision ?? new BlockDecision(), out _) switch
        {
            _ when verdict.IsAllow => throw new ArgumentException("An allowed request has no reply; send it on.", nameof(verdict)),
            RedirectDecision redirect => Finish(redirect.Status, [new("location", Address(redirect.Url))], null),
            ChallengeDecision challenge => Challenge(challenge),
            var other => Block(other as BlockDecision ?? new BlockDecision()),
        };
    }

    /// <summary>The text of a reply for those who show one line and no page: an agent's own words, else the status.</summary>
    public static string LineOf(Reply reply) =>
        reply.Headers.Any(static header => header.Key == "content-type" && header.Value.StartsWith("text/plain", StringComparison.Ordinal))
            ? Encoding.UTF8.GetString(reply.Body.Span).Trim()
            : DefaultPage.LineOf(reply.Status);

    /// <summary>The default page of the same status, where what an agent wrote is longer than the proxy takes.</summary>
    /// <inheritdoc cref="Render"/>
    public static Reply RenderDefault(Verdict verdict) =>
        Render(new Verdict { Kind = VerdictKind.Block, Decision = new BlockDecision((ushort)Render(verdict).Status) });

    private static Reply Block(BlockDecision block) =>
        Finish(
            block.Status,
            [
                .. (block.Headers ?? EmptyMap.OfStrings)
                    .Select(static header => KeyValuePair.Create(header.Key.ToLowerInvariant(), header.Value)),
            ],
            block.Body);

    private static Reply Challenge(ChallengeDecision challenge)
    {
        var (status, authenticate, body, contentType) = ChallengeRules.Read(challenge);
        var headers = new List<KeyValuePair<string, string>>(4);
        if (authenticate is not null)
        {
            headers.Add(new("www-authenticate", authenticate));
        }

        if (contentType is not null)
        {
            headers.Add(new("content-type", contentType));
        }

        return Finish(status, headers, body);
    }

    // A client can do nothing about a response, whose fault 502 says is the upstream's (RFC 9110 §15.6.3). 504 tells the operator that time
    // was short, 413 the client that trying again is no use (spec §5.7), 403 that the request is at fault (rule 9).
    private static Reply FailedClosed(Verdict verdict) => verdict.Cause switch
    {
        Cause.TooLarge or Cause.Truncated or Cause.Malformed when verdict.Direction == Direction.Response => Finish(502, [], null),
        Cause.TooLarge or Cause.Truncated or Cause.BodyUnfinished => Finish(413, [], null),
        Cause.Malformed or Cause.NoRoute => Finish(403, [], null),
        Cause.Timeout => Finish(504, [new("retry-after", "1")], null),
        _ => Finish(503, [new("retry-after", Math.Max(1, verdict.RetryAfter).ToString(CultureInfo.InvariantCulture))], null),
    };

    private static Reply Finish(int status, List<KeyValuePair<string, string>> headers, string? body)
    {
        headers.RemoveAll(static header => header.Key == "cache-control");
        headers.Add(new("cache-control", "no-store"));

        // RFC 9110 §15.3.5, §15.3.6, §15.4.5: these have no content.
        if (status is 204 or 205 or 304)
        {
            headers.RemoveAll(static header => header.Key == "content-type");
            return new Reply(status, headers, default);
        }

        if (!headers.Exists(static header => header.Key == "content-type"))
        {
            headers.Add(
                new("content-type", body is null || body.AsSpan().TrimStart().StartsWith('<') ? DefaultPage.ContentType : PlainText));
        }

        return new Reply(status, headers, body is null ? DefaultPage.For(status) : Encoding.UTF8.GetBytes(body));
    }

    // A URL is ASCII (RFC 3986 §2); front ends differ in what they make of anything else in a header.
    private static string Address(string url)
    {
        if (Ascii.IsValid(url) && !url.AsSpan().ContainsAny(' ', '\t'))
        {
            return url;
        }

        var address = new StringBuilder(url.Length * 2);
        foreach (var b in Encoding.UTF8.GetBytes(url))
        {
            _ = b is > (byte)' ' and < 0x7f ? address.Append((char)b) : address.Append('%').Append(b.ToString("X2", null));
        }

        return address.ToString();
    }
}

/// <summary>A complete answer to the client, ready to be sent as it is. Immutable.</summary>
/// <param name="Status">HTTP status, 200 to 599.</param>
/// <param name="Headers">Names in lower case with values; none that frames the message or belongs to a connection.</param>
/// <param name="Body">The body, possibly empty.</param>
internal sealed record Reply(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);
