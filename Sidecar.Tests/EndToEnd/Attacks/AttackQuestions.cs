using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>The listeners that are asked without a proxy.</summary>
internal enum AskedListener
{
    /// <summary>JSON over HTTP.</summary>
    Http,

    /// <summary>JSON in frames.</summary>
    Frames,

    /// <summary>The agent protocol.</summary>
    Native,
}

/// <summary>Asks the daemon about a request, as a script or a proxy of one's own would.</summary>
/// <param name="socket">Where the daemon listens.</param>
/// <param name="bodyIsLate">The body is told in a question of its own, 20 ms after the headers.</param>
internal abstract class AttackQuestions(string socket, bool bodyIsLate) : IAsyncDisposable
{
    /// <summary>Where the daemon listens.</summary>
    protected string Socket => socket;

    /// <summary>One for a listener.</summary>
    public static async Task<AttackQuestions> StartAsync(AskedListener listener, string socket, bool bodyIsLate) => listener switch
    {
        AskedListener.Http => new OverHttp(socket, bodyIsLate),
        AskedListener.Frames => new InFrames(socket, bodyIsLate),
        _ => new Native(await NativeClient.ConnectAsync(socket), socket, bodyIsLate),
    };

    /// <summary>Asks.</summary>
    /// <returns>The names of the headers to take away before the request goes on; null when it must not.</returns>
    public async Task<IReadOnlyList<string>?> AskAsync(WireMessage request)
    {
        if (!bodyIsLate)
        {
            return await AskAsync(request, "request", request.Body);
        }

        var removed = await AskAsync(request, "request_headers", null);
        await Task.Delay(AttackClient.BodyDelay, TimeProvider.System);
        return removed is null || await AskAsync(request with { Method = "" }, "request", request.Body) is null ? null : removed;
    }

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>One question.</summary>
    /// <param name="request">The request; without a method where its headers have been told.</param>
    /// <param name="phase">The phase.</param>
    /// <param name="body">The body, if this phase tells it.</param>
    protected abstract Task<IReadOnlyList<string>?> AskAsync(WireMessage request, string phase, byte[]? body);

    // A question without the bytes of the body, or with them in base64.
    private static byte[] Json(WireMessage request, string phase, byte[]? body, bool isInline) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["phase"] = phase,
        ["tx"] = request.Fid,
        ["ends"] = body is not null,
        ["request"] = new JsonObject
        {
            ["method"] = request.Method.Length > 0 ? request.Method : null,
            ["authority"] = request.Method.Length > 0 ? request.Values("host").FirstOrDefault() : null,
            ["path"] = request.Method.Length > 0 ? request.Target : null,
            ["headers"] = request.Method.Length > 0 ? new JsonArray([.. request.Headers.Select(static field => new JsonArray(field.Name, field.Value))]) : null,
            ["body"] = body is null ? null : isInline
                ? new JsonObject { ["data"] = Convert.ToBase64String(body), ["encoding"] = "base64", ["truncated"] = false }
                : new JsonObject { ["truncated"] = false },
        },
    });

    private static IReadOnlyList<string>? Removed(JsonNode answer) => (string?)answer["action"] is "allow" or "continue"
        ? [.. (answer["request_headers"] as JsonArray ?? []).Where(static one => (string?)one!["op"] == "remove").Select(static one => (string)one!["name"]!)]
        : null;

    private sealed class OverHttp(string socket, bool bodyIsLate) : AttackQuestions(socket, bodyIsLate)
    {
        private readonly HttpClient _client = UnixHttp.Client(socket);

        public override ValueTask DisposeAsync()
        {
            _client.Dispose();
            return base.DisposeAsync();
        }

        protected override async Task<IReadOnlyList<string>?> AskAsync(WireMessage request, string phase, byte[]? body)
        {
            using var question = new ByteArrayContent(Json(request, phase, body, isInline: true));
            question.Headers.ContentType = new("application/json");
            using var answer = await _client.PostAsync(new Uri("http://localhost/v1/decide"), question);
            return Removed(JsonNode.Parse(await answer.Content.ReadAsStreamAsync())!);
        }
    }

    private sealed class InFrames(string socket, bool bodyIsLate) : AttackQuestions(socket, bodyIsLate)
    {
        protected override async Task<IReadOnlyList<string>?> AskAsync(WireMessage request, string phase, byte[]? body)
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            await using var stream = new NetworkStream(connection);
            var head = Json(request, phase, body, isInline: false);
            await stream.WriteAsync((byte[])[.. LengthOf(head), .. head, .. LengthOf(body ?? []), .. body ?? []]);
            var length = new byte[4];
            await stream.ReadExactlyAsync(length);
            var answer = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await stream.ReadExactlyAsync(answer);
            return Removed(JsonNode.Parse(answer)!);
        }

        private static byte[] LengthOf(byte[] bytes)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            return length;
        }
    }

    private sealed class Native(NativeClient client, string socket, bool bodyIsLate) : AttackQuestions(socket, bodyIsLate)
    {
        public override async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await base.DisposeAsync();
        }

        protected override async Task<IReadOnlyList<string>?> AskAsync(WireMessage request, string phase, byte[]? body)
        {
            var id = CorrelationId.Parse(request.Fid);
            IReadOnlyList<string> removed = [];
            if (request.Method.Length > 0)
            {
                var headers = new HeaderBlock();
                foreach (var (name, value) in request.Headers)
                {
                    headers.Add(name, value);
                }

                var answer = await client.AskAsync(
                    new RequestHeadersEvent
                    {
                        CorrelationId = id,
                        Metadata = new RequestMetadata(),
                        Method = request.Method,
                        Uri = request.Target,
                        Headers = headers,
                    });
                if (answer.Decision != Decision.Allow)
                {
                    return null;
                }

                removed = [.. answer.RequestHeaders.Where(static one => one.Kind == HeaderOperationKind.Remove).Select(static one => one.Name)];
            }

            if (body is null)
            {
                return removed;
            }

            var verdict = await client.AskAsync(new RequestBodyChunkEvent { CorrelationId = id, Data = body, IsLast = true, TotalSize = (ulong)body.Length });
            await client.AskAsync(new RequestCompleteEvent { CorrelationId = id, Status = 200 });
            return verdict.Decision == Decision.Allow ? removed : null;
        }
    }
}
