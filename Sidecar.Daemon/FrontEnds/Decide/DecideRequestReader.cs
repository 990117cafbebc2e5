using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// Reads one question (proxy integration §6.2), or how an exchange ended. Unknown fields are passed by, null is as good as absent.
/// </summary>
/// <param name="text">The question; the bytes of bodies are decoded in it.</param>
/// <param name="follows">
/// In the binary form the body that comes after the text, and then must not stand in it; null where the text holds it.
/// </param>
/// <param name="options">The listener's limits.</param>
internal sealed class DecideRequestReader(Memory<byte> text, ReadOnlyMemory<byte>? follows, JsonListenerOptions options)
{
    private const int MaxTxLength = 256;
    private const int MaxErrorLength = 1024;

    /// <summary>Reads a question.</summary>
    /// <param name="json">The text. Bodies in it are decoded in place, so it is of no use afterwards but for the question's body.</param>
    /// <param name="follows">In the binary form the body that comes after the text; null where the text holds it.</param>
    /// <param name="options">The listener's limits.</param>
    /// <exception cref="DecideRequestException">It cannot be understood; the error says where and why.</exception>
    public static DecideRequest Read(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte>? follows, JsonListenerOptions options)
    {
        var text = new DecideRequestJson(json.Span);
        var question = new DecideRequestReader(MemoryMarshal.AsMemory(json), follows, options).Question(ref text);
        text.Finish();
        return ProblemOf(question, follows.GetValueOrDefault().Length) is { } problem
            ? throw DecideRequestException.Malformed(problem) : question;
    }

    /// <summary>Reads what a caller tells of an exchange that is over; all but <c>tx</c> may be absent.</summary>
    /// <exception cref="DecideRequestException">It cannot be understood.</exception>
    public static (string Tx, RequestCompleteEvent Facts) ReadEnd(ReadOnlySpan<byte> text)
    {
        var json = new DecideRequestJson(text);
        var facts = new RequestCompleteEvent();
        string? tx = null;
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "tx": tx = Tx(ref json); break;
                case "status": facts = facts with { Status = (ushort)(json.Number(0, 999) ?? 0) }; break;
                case "duration_ms": facts = facts with { DurationMs = (ulong)(json.Number(0, long.MaxValue) ?? 0) }; break;
                case "request_bytes": facts = facts with { RequestBodySize = (ulong)(json.Number(0, long.MaxValue) ?? 0) }; break;
                case "response_bytes": facts = facts with { ResponseBodySize = (ulong)(json.Number(0, long.MaxValue) ?? 0) }; break;
                case "upstream_attempts": facts = facts with { UpstreamAttempts = (uint)(json.Number(0, uint.MaxValue) ?? 0) }; break;
                case "error":
                    facts = facts with { Error = json.Text() is { } error ? error[..Math.Min(error.Length, MaxErrorLength)] : null };
                    break;
            }
        }

        json.Finish();
        return (tx ?? throw DecideRequestException.Malformed("$.tx is missing"), facts);
    }

    private DecideRequest Question(ref DecideRequestJson json)
    {
        var question = new DecideRequest();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "v": json.Number(1, 1); break;
                case "phase": question.Phase = PhaseOf(ref json); break;
                case "tx": question.Tx = Tx(ref json); break;
                case "deadline_ms":
                    question.Patience = json.Number(1, 3_600_000) is { } wait ? TimeSpan.FromMilliseconds(wait) : null;
                    break;
                case "complete": question.AnnouncesEnd = json.Truth() ?? false; break;
                case "ends": question.Ends = json.Truth() ?? false; break;
                case "client": question.Client = json.IsNull ? new ClientConnection() : Client(ref json); break;
                case "request": question.Request = json.IsNull ? null : Request(ref json); break;
                case "response": question.Response = json.IsNull ? null : Response(ref json); break;
            }
        }

        return question;
    }

    private static Phase PhaseOf(ref DecideRequestJson json) => json.Text() switch
    {
        "request_headers" => Phase.RequestHeaders,
        "request" => Phase.Request,
        "response_headers" => Phase.ResponseHeaders,
        "response" => Phase.Response,
        _ => throw json.Wrong("request_headers, request, response_headers or response"),
    };

    private static string? Tx(ref DecideRequestJson json) =>
        json.Text() is var tx && tx is null or { Length: > 0 and <= MaxTxLength }
            ? tx
            : throw json.Wrong($"an id of 1 to {MaxTxLength} characters");

    private static ClientConnection Client(ref DecideRequestJson json)
    {
        var client = new ClientConnection();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "ip": client.Ip = json.Text() ?? ""; break;
                case "port": client.Port = (ushort)(json.Number(0, ushort.MaxValue) ?? 0); break;
                case "tls" when !json.IsNull: ReadTls(ref json, ref client); break;
            }
        }

        return client;
    }

    private static void ReadTls(ref DecideRequestJson json, ref ClientConnection client)
    {
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "version": client.TlsVersion = json.Text(); break;
                case "cipher": client.TlsCipher = json.Text(); break;
                case "sni": client.Sni = json.Text(); break;
            }
        }
    }

    private DecideHttpRequest Request(ref DecideRequestJson json)
    {
        var request = new DecideHttpRequest();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "method": request.Method = json.Text(); break;
                case "authority": request.Authority = json.Text(); break;
                case "path": request.Path = json.Text(); break;
                case "query": request.Query = json.Text(); break;
                case "version": request.Version = json.Text(); break;
                case "headers": request.Headers = HeaderPairs.Read(ref json, options); break;
                case "own_headers":
                    request.RefusesOwn =
                        json.Text() switch { "refuse" => true, "remove" or null => false, _ => throw json.Wrong("refuse or remove") };
                    break;
                case "body": request.Body = json.IsNull ? null : Body(ref json); break;
            }
        }

        if (request.RefusesOwn && request.Headers is { Problem: null, HasOwn: true } headers)
        {
            request.Headers = headers with
            {
                Problem = "a header has a name of the sidecar's own, and the caller cannot take it away: it would pass unseen",
            };
        }

        return request;
    }

    private DecideHttpResponse Response(ref DecideRequestJson json)
    {
        var response = new DecideHttpResponse();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "status": response.Status = (ushort?)json.Number(100, 999); break;
                case "headers": response.Headers = HeaderPairs.Read(ref json, options); break;
                case "body": response.Body = json.IsNull ? null : Body(ref json); break;
            }
        }

        return response;
    }

    private DecideBody Body(ref DecideRequestJson json)
    {
        var body = new DecideBody();
        (int Start, int Length, bool IsEscaped)? place = null;
        bool? truncated = null;
        var (isBase64, isFinal) = (false, true);
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "data":
                    place = json.IsNull
                        ? null
                        : follows is null ? json.TextPlace() : throw json.Wrong("nothing, because the body follows the head,");
                    break;
                case "encoding":
                    isBase64 = json.Text() switch { "base64" => true, "utf8" or null => false, _ => throw json.Wrong("base64 or utf8") };
                    break;
                case "size": body.Total = json.Number(0, long.MaxValue); break;
                case "truncated": truncated = json.Truth(); break;
                case "final": isFinal = json.Truth() ?? true; break;
                case "part": body.Part = (int)(json.Number(0, int.MaxValue) ?? 0); break;
                case "kept": body.IsKept = json.Truth() ?? false; break;
            }
        }

        body.End = truncated switch
        {
            null => throw DecideRequestException.Malformed(
                "a body without \"truncated\": say true when it goes on beyond what is handed over, else false"),
            true when !isFinal => throw DecideRequestException.Malformed(
                "a body with \"truncated\": true and \"final\": false; say that it is truncated with its last part"),
            true => BodyEnd.Truncated,
            false => isFinal ? BodyEnd.Last : BodyEnd.More,
        };
        body.Data = follows ?? (place is { } found ? Decode(text.Slice(found.Start, found.Length), found.IsEscaped, isBase64) : default);
        return body;
    }

    private static Memory<byte> Decode(Memory<byte> data, bool isEscaped, bool isBase64)
    {
        data = isEscaped ? data[..JsonText.Unescape(data.Span, data.Span)] : data;
        return !isBase64 ? data
            : Base64.DecodeFromUtf8InPlace(data.Span, out var written) == OperationStatus.Done ? data[..written]
            : throw DecideRequestException.Malformed("a body whose data is not base64");
    }

    // What a phase needs of a question, and what it must not have: a body that is passed by unseen would be no inspection, and nobody knows
    // whether one that is not announced is whole.
    private static string? ProblemOf(DecideRequest question, int following)
    {
        var (request, response) = (question.Request, question.Response);
        return question.Phase switch
        {
            Phase.None => "$.phase is missing",
            _ when following > 0 && question.Body is null =>
                $"{following} bytes of a body that the head does not announce: say \"body\": {{ \"truncated\": … }} in its request or "
                + "response",
            Phase.RequestHeaders when request?.Method is null => "$.request.method is missing",
            Phase.Request when request is null => "$.request is missing",
            Phase.Request when request is { Method: null, Body: null } => "$.request.method is missing",
            Phase.ResponseHeaders when response?.Status is null => "$.response.status is missing",
            Phase.Response when response is null => "$.response is missing",
            Phase.Response when response is { Status: null, Body: null } => "$.response.status is missing",
            Phase.RequestHeaders when request!.Body is not null => "$.request.body stands in a phase without it; ask phase request",
            Phase.ResponseHeaders when response!.Body is not null => "$.response.body stands in a phase without it; ask phase response",
            _ when question is { Ends: true, IsPart: true } =>
                "$.ends is true with a part of a body that is not the last; say so with the last one",
            Phase.RequestHeaders or Phase.Request when response is not null => "$.response stands in a request phase; ask phase response",
            Phase.ResponseHeaders or Phase.Response when request?.Body is not null =>
                "$.request.body stands in a response phase; repeat the request without it",
            _ when request is { Method: not null, Path: null } => "$.request.path is missing",
            _ when question is { Tx: null, Body: { Part: > 0 } or { End: BodyEnd.More } } =>
                "$.tx is missing; without it the parts of a body cannot be joined",
            Phase.RequestHeaders or Phase.Request when question.Tx is null && request!.Method is null => "$.request.method is missing",
            _ => null,
        };
    }


}
