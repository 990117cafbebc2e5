using System.Runtime.InteropServices;
using System.Text.Json;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Reads questions (proxy integration §6.2). Stateless; unknown fields are passed by, null is as good as absent.</summary>
internal static class QuestionReader
{
    private const int MaxTxLength = 256;

    /// <summary>Reads a question.</summary>
    /// <param name="json">The text. Bodies in it are decoded in place, so it is of no use afterwards but for the question's body.</param>
    /// <param name="follows">In the binary form the body that comes after the text; null where the text holds it.</param>
    /// <param name="options">The listener's limits.</param>
    /// <exception cref="QuestionException">It cannot be understood; the error says where and why.</exception>
    public static Question Read(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte>? follows, JsonListenerOptions options)
    {
        try
        {
            var bodies = new BodyReader(MemoryMarshal.AsMemory(json), follows);
            var text = new QuestionJson(json.Span);
            return Check(ReadAll(ref text, bodies, options), bodies);
        }
        catch (JsonException e)
        {
            throw new QuestionException(QuestionError.Malformed($"this is no JSON, or nested deeper than {QuestionJson.MaxDepth}: {e.Message}"));
        }
    }

    private static Question ReadAll(ref QuestionJson json, BodyReader bodies, JsonListenerOptions options)
    {
        var question = new Question { Phase = default };
        Phase? phase = null;
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "v":
                    json.Number(1, 1);
                    break;
                case "phase":
                    phase = Phases.Of(json.Text() ?? "") ?? throw json.Wrong("request_headers, request, response_headers or response");
                    break;
                case "tx":
                    question = question with { Tx = TxOf(ref json) };
                    break;
                case "deadline_ms":
                    question = question with { Patience = json.Number(1, 3_600_000) is { } wait ? TimeSpan.FromMilliseconds(wait) : null };
                    break;
                case "complete":
                    question = question with { AnnouncesEnd = json.Truth() ?? false };
                    break;
                case "ends":
                    question = question with { Ends = json.Truth() ?? false };
                    break;
                case "client":
                    question = question with { Client = ClientOf(ref json) };
                    break;
                case "request":
                    question = question with { Request = RequestOf(ref json, bodies, options) };
                    break;
                case "response":
                    question = question with { Response = ResponseOf(ref json, bodies, options) };
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        json.Finish();
        return phase is { } known ? question with { Phase = known } : throw Malformed("$.phase is missing");
    }

    /// <summary>An id that joins phases; null for null.</summary>
    internal static string? TxOf(ref QuestionJson json) => json.Text() switch
    {
        null => null,
        { Length: > 0 and <= MaxTxLength } tx => tx,
        _ => throw json.Wrong($"an id of 1 to {MaxTxLength} characters"),
    };

    // What a phase needs of a question, and what it must not have: a body that is passed by unseen would be no inspection.
    private static Question Check(Question question, BodyReader bodies)
    {
        var (request, response) = (question.Request, question.Response);
        bodies.CheckUsed(question.Body);
        var problem = question.Phase switch
        {
            Phase.RequestHeaders when request?.Method is null => "$.request.method is missing",
            Phase.Request when request is null => "$.request is missing",
            Phase.Request when request is { Method: null, Body: null } => "$.request.method is missing",
            Phase.ResponseHeaders when response?.Status is null => "$.response.status is missing",
            Phase.Response when response is null => "$.response is missing",
            Phase.Response when response is { Status: null, Body: null } => "$.response.status is missing",
            Phase.RequestHeaders when request!.Body is not null => "$.request.body stands in a phase without it; ask phase request",
            Phase.ResponseHeaders when response!.Body is not null => "$.response.body stands in a phase without it; ask phase response",
            _ when question is { Ends: true, IsPart: true } => "$.ends is true with a part of a body that is not the last; say so with the last one",
            Phase.RequestHeaders or Phase.Request when response is not null => "$.response stands in a request phase; ask phase response",
            Phase.ResponseHeaders or Phase.Response when request?.Body is not null => "$.request.body stands in a response phase; repeat the request without it",
            _ => null,
        };
        problem ??= request is { Method: not null, Path: null } ? "$.request.path is missing"
            : question is { Tx: null, Body: { Part: > 0 } or { End: Inspection.Bodies.BodyEnd.More } } ? "$.tx is missing; without it the parts of a body cannot be joined"
            : question.Tx is null && !question.Phase.IsOfResponse() && request!.Method is null ? "$.request.method is missing"
            : null;
        return problem is null ? question : throw Malformed(problem);
    }

    private static QuestionClient ClientOf(ref QuestionJson json)
    {
        var client = new QuestionClient();
        if (json.IsNull)
        {
            return client;
        }

        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "ip":
                    client = client with { Ip = json.Text() ?? "" };
                    break;
                case "port":
                    client = client with { Port = (ushort)(json.Number(0, ushort.MaxValue) ?? 0) };
                    break;
                case "tls" when !json.IsNull:
                    client = TlsOf(ref json, client);
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        return client;
    }

    private static QuestionClient TlsOf(ref QuestionJson json, QuestionClient client)
    {
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            switch (name)
            {
                case "version":
                    client = client with { TlsVersion = json.Text() };
                    break;
                case "cipher":
                    client = client with { TlsCipher = json.Text() };
                    break;
                case "sni":
                    client = client with { Sni = json.Text() };
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        return client;
    }

    private static QuestionRequest? RequestOf(ref QuestionJson json, BodyReader bodies, JsonListenerOptions options)
    {
        if (json.IsNull)
        {
            return null;
        }

        var request = new QuestionRequest();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            request = name switch
            {
                "method" => request with { Method = json.Text() },
                "authority" => request with { Authority = json.Text() },
                "path" => request with { Path = json.Text() },
                "query" => request with { Query = json.Text() },
                "version" => request with { Version = json.Text() },
                "headers" => request with { Headers = HeaderPairs.Read(ref json, options) },
                "own_headers" => request with { RefusesOwn = json.Text() switch { "refuse" => true, "remove" or null => false, _ => throw json.Wrong("refuse or remove") } },
                "body" => request with { Body = bodies.Read(ref json) },
                _ => Skip(ref json, request),
            };
        }

        return request.RefusesOwn && request.Headers is { Problem: null, HasOwn: true } headers
            ? request with { Headers = headers with { Problem = "a header has a name of the sidecar's own, and the caller cannot take it away: it would pass unseen" } }
            : request;
    }

    private static QuestionResponse? ResponseOf(ref QuestionJson json, BodyReader bodies, JsonListenerOptions options)
    {
        if (json.IsNull)
        {
            return null;
        }

        var response = new QuestionResponse();
        json.EnterObject();
        while (json.NextProperty(out var name))
        {
            response = name switch
            {
                "status" => response with { Status = (ushort?)json.Number(100, 999) },
                "headers" => response with { Headers = HeaderPairs.Read(ref json, options) },
                "body" => response with { Body = bodies.Read(ref json) },
                _ => Skip(ref json, response),
            };
        }

        return response;
    }

    private static T Skip<T>(ref QuestionJson json, T unchanged)
    {
        json.Skip();
        return unchanged;
    }

    private static QuestionException Malformed(string message) => new(QuestionError.Malformed(message));
}
