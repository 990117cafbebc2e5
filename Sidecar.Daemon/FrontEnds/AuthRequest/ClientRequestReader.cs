using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// Reads the client's request out of the headers of the proxy's question. Stateless; whatever a client can cause is a named problem, never
/// an exception.
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

        TrustedValues told = default;
        var target = question.RawTarget;
        var hasPrefix = target.StartsWith(options.PathPrefix, StringComparison.Ordinal);
        told[TrustedHeader.Method] = question.Method;
        told[TrustedHeader.Target] = hasPrefix ? target[options.PathPrefix.Length..] : target;
        return Read(
            question.Headers,
            options,
            options.Dialect.Headers,
            ref told,
            hasPrefix ? null : $"the path does not begin with {options.PathPrefix}; the proxy must put it there");
    }

    /// <summary>Reads a question that stands in headers alone.</summary>
    /// <param name="question">The headers of the proxy's request, a char per byte.</param>
    /// <param name="options">The listener's dialect and limits.</param>
    /// <param name="form">Where the proxy asked.</param>
    public static ClientRequest Read(IHeaderDictionary question, HttpListenerOptions options, CheckForm form = CheckForm.Usual)
    {
        TrustedValues told = default;
        return Read(question, options, options.Dialect.HeadersOf(form), ref told, plumbing: null);
    }

    private static ClientRequest Read(
        IHeaderDictionary question, HttpListenerOptions options, HeaderTable table, ref TrustedValues told, string? plumbing)
    {
        // The client's own are set aside until their size is known: agents may keep the block for long, so it is no larger than it must be.
        var shown = ArrayPool<Field>.Shared.Rent(Math.Clamp(question.Count, 1, options.MaxHeaders));
        var (kept, fields, size) = (0, 0, 0);
        var (count, bytes) = (0, 0L);
        string? refused = null;
        foreach (var (name, values) in question)
        {
            switch (table.Classify(name, out var header))
            {
                case HeaderRole.Believed:
                    told[header] = values.Count > 0 ? values[0] : null;
                    plumbing ??= values.Count > 1 ? $"the header {name} came {values.Count} times; the proxy must set it once" : null;
                    break;
                case HeaderRole.Shown:
                    // Counted in full, but nothing beyond the limits is copied.
                    var fieldBytes = SizeOf(name, values);
                    count += values.Count;
                    bytes += fieldBytes;
                    if (values.Count > 0 && count <= options.MaxHeaders && bytes <= options.MaxHeaderBytes)
                    {
                        shown[kept++] = new Field(name, values);
                        (fields, size) = (fields + values.Count, size + (int)fieldBytes);
                    }

                    break;
                case HeaderRole.Refused:
                    refused ??= $"its header {HeaderRules.Echo(name)} has a name of the sidecar's own that the proxy's configuration does "
                        + "not set, and so would pass unseen";
                    break;
            }
        }

        if (options.TrustedHops > 0 && told[TrustedHeader.ClientAddress] is { } list)
        {
            told[TrustedHeader.ForwardedFor] = ForwardedFor.Received(list);
        }

        var headers = Block(shown.AsSpan(0, kept), fields, size, told, options.Dialect.AsksByRequestLine);
        ArrayPool<Field>.Shared.Return(shown, clearArray: true);
        plumbing ??= MissingIn(told, table);
        return new ClientRequest(told, headers)
        {
            IsPlumbing = plumbing is not null,
            Problem = plumbing ?? refused ?? ProblemOf(told, count, bytes, options),
        };
    }

    // What agents are shown: the client's own, and behind them the copies that there are.
    private static HeaderBlock Block(ReadOnlySpan<Field> shown, int fields, int size, in TrustedValues told, bool hasEmptyHost)
    {
        foreach (var (copy, name) in Copies)
        {
            if (CopyOf(told, copy, hasEmptyHost) is { } value)
            {
                (fields, size) = (fields + 1, size + name.Length + value.Length);
            }
        }

        var headers = new HeaderBlock(fields, size);
        foreach (var field in shown)
        {
            for (var i = 0; i < field.Values.Count; i++)
            {
                WireText.Add(headers, field.Name, field.Values[i] ?? "");
            }
        }

        foreach (var (copy, name) in Copies)
        {
            if (CopyOf(told, copy, hasEmptyHost) is { } value)
            {
                WireText.Add(headers, name, value);
            }
        }

        return headers;
    }

    // An empty Host is one too; of the others a proxy makes an empty one where there is none.
    private static string? CopyOf(in TrustedValues told, TrustedHeader copy, bool hasEmptyHost) =>
        told[copy] is { } value && (value.Length > 0 || (copy == TrustedHeader.Authority && hasEmptyHost)) ? value : null;

    private static long SizeOf(string name, StringValues values)
    {
        var size = 0L;
        for (var i = 0; i < values.Count; i++)
        {
            size += name.Length + (values[i]?.Length ?? 0);
        }

        return size;
    }

    private static string? MissingIn(in TrustedValues told, HeaderTable table)
    {
        foreach (var header in (ReadOnlySpan<TrustedHeader>)[TrustedHeader.Method, TrustedHeader.Target])
        {
            if (string.IsNullOrEmpty(told[header]))
            {
                return table.NameOf(header) is { } name
                    ? $"the header {name} is missing; the proxy's configuration must set it"
                    : "nothing stands behind the path prefix; the proxy must put the client's path there";
            }
        }

        return null;
    }

    // A target in absolute form beats the Host header in the proxy; agents and upstream would see different sites.
    private static string? ProblemOf(in TrustedValues told, int count, long bytes, HttpListenerOptions options) =>
        RequestRules.HeaderProblem(count, bytes, options.MaxHeaders, options.MaxHeaderBytes)
        ?? RequestRules.LineProblem(told[TrustedHeader.Method]!, told[TrustedHeader.Target])
        ?? (RequestRules.AreOneHost(told[TrustedHeader.Authority], told[TrustedHeader.Host])
            ? null
            : "its Host header names another host than its request line, by which the proxy chose the site");

    private readonly record struct Field(string Name, StringValues Values);


}
