using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// Reads the client's request out of the headers of the proxy's question. Stateless; whatever a client can cause is a named problem, never an
/// exception.
/// </summary>
internal static class ClientRequestReader
{
    // Headers of the client that its proxy cannot pass on under their own names.
    private static readonly (TrustedHeader Copy, string Name)[] Copies =
    [
        (TrustedHeader.Authority, "host"),
        (TrustedHeader.ContentLength, "content-length"),
        (TrustedHeader.TransferEncoding, "transfer-encoding"),
        (TrustedHeader.Upgrade, "upgrade"),
        (TrustedHeader.ForwardedFor, "x-forwarded-for"),
        (TrustedHeader.ForwardedHost, "x-forwarded-host"),
        (TrustedHeader.ForwardedProto, "x-forwarded-proto"),
    ];

    /// <summary>Reads the question of a listener's proxy.</summary>
    /// <param name="question">The proxy's request, a char per byte.</param>
    /// <param name="options">The listener's dialect and limits.</param>
    /// <param name="form">Where the proxy asked.</param>
    public static ClientRequest Read(IHttpRequestFeature question, HttpListenerOptions options, CheckForm form = CheckForm.Usual)
    {
        if (!options.Dialect.AsksByRequestLine)
        {
            return Read(question.Headers, options, form);
        }

        var told = new string?[TrustedHeaders.Count];
        var target = question.RawTarget;
        var hasPrefix = target.StartsWith(options.PathPrefix, StringComparison.Ordinal);
        told[(int)TrustedHeader.Method] = question.Method;
        told[(int)TrustedHeader.Target] = hasPrefix ? target[options.PathPrefix.Length..] : target;
        return Read(
            question.Headers,
            options,
            options.Dialect.Headers,
            told,
            hasPrefix ? null : $"the path does not begin with {options.PathPrefix}; the proxy must put it there");
    }

    /// <summary>Reads a question that stands in headers alone.</summary>
    /// <param name="question">The headers of the proxy's request, a char per byte.</param>
    /// <param name="options">The listener's dialect and limits.</param>
    /// <param name="form">Where the proxy asked.</param>
    public static ClientRequest Read(IHeaderDictionary question, HttpListenerOptions options, CheckForm form = CheckForm.Usual) =>
        Read(question, options, options.Dialect.HeadersOf(form), new string?[TrustedHeaders.Count], plumbing: null);

    private static ClientRequest Read(IHeaderDictionary question, HttpListenerOptions options, HeaderTable table, string?[] told, string? plumbing)
    {
        var headers = new HeaderBlock(32, 1024);
        var count = 0;
        var bytes = 0L;
        string? refused = null;
        foreach (var (name, values) in question)
        {
            switch (table.Classify(name, out var header))
            {
                case HeaderRole.Believed:
                    told[(int)header] = values.Count > 0 ? values[0] : null;
                    plumbing ??= values.Count > 1 ? $"the header {name} came {values.Count} times; the proxy must set it once" : null;
                    break;
                case HeaderRole.Shown:
                    // Counted in full, but nothing beyond the limits is copied.
                    count += values.Count;
                    bytes += SizeOf(name, values);
                    AddAll(headers, name, values, count <= options.MaxHeaders && bytes <= options.MaxHeaderBytes);
                    break;
                case HeaderRole.Refused:
                    refused ??= $"its header {HeaderRules.Echo(name)} has a name of the sidecar's own that the proxy's configuration does not set, "
                        + $"and so would pass unseen";
                    break;
                case HeaderRole.Consumed or HeaderRole.Removed:
                    break;
            }
        }

        if (options.TrustedHops > 0 && told[(int)TrustedHeader.ClientAddress] is { } list)
        {
            told[(int)TrustedHeader.ForwardedFor] = ForwardedFor.Received(list);
        }

        foreach (var (copy, name) in Copies)
        {
            // An empty Host is one too; of the others a proxy makes an empty one where there is none.
            if (told[(int)copy] is { } value && (value.Length > 0 || (copy == TrustedHeader.Authority && options.Dialect.AsksByRequestLine)))
            {
                WireText.Add(headers, name, value);
            }
        }

        plumbing ??= MissingIn(told, table);
        return new ClientRequest(told, headers)
        {
            IsPlumbing = plumbing is not null,
            Problem = plumbing ?? refused ?? ProblemOf(told, count, bytes, options),
        };
    }

    private static void AddAll(HeaderBlock headers, string name, StringValues values, bool wanted)
    {
        for (var i = 0; wanted && i < values.Count; i++)
        {
            WireText.Add(headers, name, values[i] ?? "");
        }
    }

    private static long SizeOf(string name, StringValues values)
    {
        var size = 0L;
        for (var i = 0; i < values.Count; i++)
        {
            size += name.Length + (values[i]?.Length ?? 0);
        }

        return size;
    }

    private static string? MissingIn(string?[] told, HeaderTable table)
    {
        foreach (var header in (ReadOnlySpan<TrustedHeader>)[TrustedHeader.Method, TrustedHeader.Target])
        {
            if (string.IsNullOrEmpty(told[(int)header]))
            {
                return table.NameOf(header) is { } name
                    ? $"the header {name} is missing; the proxy's configuration must set it"
                    : "nothing stands behind the path prefix; the proxy must put the client's path there";
            }
        }

        return null;
    }

    // A target in absolute form beats the Host header in the proxy; agents and upstream would see different sites.
    private static string? ProblemOf(string?[] told, int count, long bytes, HttpListenerOptions options) =>
        RequestRules.HeaderProblem(count, bytes, options.MaxHeaders, options.MaxHeaderBytes)
        ?? RequestRules.LineProblem(told[(int)TrustedHeader.Method]!, told[(int)TrustedHeader.Target])
        ?? (RequestRules.AreOneHost(told[(int)TrustedHeader.Authority], told[(int)TrustedHeader.Host])
            ? null
            : "its Host header names another host than its request line, by which the proxy chose the site");
}
