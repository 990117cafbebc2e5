using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.FrontEnds.Common;
using static Sidecar.Tests.Fuzz.FuzzTarget;
using AgentControl = Sidecar.Protocol.Grpc.Wire.AgentControl;
using ConfigUpdateRequest = Sidecar.Protocol.Grpc.Wire.ConfigUpdateRequest;
using HealthCheckRequest = Sidecar.Protocol.Grpc.Wire.HealthCheckRequest;

namespace Sidecar.Tests.Fuzz;

/// <summary>What Envoy sends on its gRPC services, from the bytes of the stream to what is known of a request; and the texts around every gRPC call.</summary>
internal static class EnvoyTargets
{
    private const int MaxLength = 64 * 1024;

    private static readonly EnvoyFilterOptions Options = new() { Name = "envoy" };

    public static IEnumerable<FuzzTarget> All =>
    [
        new("envoy.ext-authz", static input => Call(input, CheckRequest.Parser, Authz),
            [.. AuthzSeeds().Select(Framed)]) { Repair = Repair },
        new("envoy.ext-proc", static input => Call(input, ProcessingRequest.Parser, ExtProc),
            [.. ExtProcSeeds().Select(Framed)]) { Repair = Repair },
        new("grpc.health", static input => Call(input, HealthCheckRequest.Parser,
            static message => $"service {message.Service.Length > 0}"), [Framed(new HealthCheckRequest { Service = "a" })]) { Repair = Repair },
        new("grpc.control", static input => Call(input, AgentControl.Parser, static message => $"{message.MessageCase}"),
            [Framed(new AgentControl { ConfigUpdate = new ConfigUpdateRequest { RequestId = "1" } })]) { Repair = Repair },
        new("grpc.timeout", Timeout, ["100m"u8.ToArray(), "1H"u8.ToArray(), "99999999n"u8.ToArray(), "S"u8.ToArray()]),
        new("grpc.status", StatusText, ["5"u8.ToArray(), "not%20found %C3%BC"u8.ToArray(), "%E"u8.ToArray()]),
    ];

    private static void Repair(byte[] input) => FrameTargets.RepairLengths(input, lengthAt: 1, GrpcMessageFormat.PrefixSize);

    private static string Call<T>(byte[] input, MessageParser<T> parser, Func<T, string> use)
        where T : class, IMessage<T>
    {
        var reader = new GrpcMessageReader(PipeReader.Create(new ReadOnlySequence<byte>(input)), MaxLength);
        var last = "";
        try
        {
            while (true)
            {
                var read = reader.ReadAsync(parser, CancellationToken.None).AsTask();
                Require(read.IsCompleted, "it waits although the stream has ended");
                if (read.GetAwaiter().GetResult() is not { } message)
                {
                    return last.Length == 0 ? "refused: no message" : last;
                }

                last = use(message);
            }
        }
        catch (GrpcException e)
        {
            return Refused($"{e.Status.Code} {e.Message}");
        }
    }

    private static string Authz(CheckRequest question)
    {
        var request = new AuthzRequest(question, Options);
        var pieces = string.Join(' ', Enum.GetValues<RequestBodies>().Select(bodies => request.Piece(Options with { WithRequestBody = bodies }).End));
        Require(request.HasBody || request.AnnouncesBody || request.LeavesBodyOpen || request.Headers.ContentLength == 0, "nobody knows whether there is a body");
        if (request.Headers.Problem is { } problem)
        {
            return Refused(problem);
        }

        if (request.Headers is { Method: not null, Target: not null })
        {
            ReadByAgents(request.Event(NewExchange(), null, default));
        }

        return pieces;
    }

    private static string ExtProc(ProcessingRequest message)
    {
        var order = new ExtProcOrder().Next(message);
        var attributes = new ExtProcAttributes(message.Attributes);
        var modes = new BodyModes(
            message.ProtocolConfig, new ExtProcFilter(Options, new ListenerWarnings(), TimeProvider.System, NullLogger.Instance), message.ObservabilityMode);
        var map = message.RequestCase == ProcessingRequest.RequestOneofCase.ResponseHeaders ? message.ResponseHeaders.Headers
            : message.RequestHeaders?.Headers;
        var headers = EnvoyHeaders.Read(map, Options);
        Require(headers.Own.All(static name => OwnName(name)), "a header is taken for one of ours that is none");
        if (headers.Problem is null && headers is { Method: not null, Target: not null })
        {
            ReadByAgents(attributes.Event(headers, NewExchange(), hasBody: false, default));
        }

        var part = order is null ? $"{message.RequestCase}" : order.Detail.Split(' ')[^1];
        return $"{part} {headers.Problem is null} {headers.IsUpgrade} {headers.Status is null} {modes.Problem is null} {attributes.Route is null}";
    }

    private static bool OwnName(string name) => name.Replace('_', '-').StartsWith("x-sidecar-", StringComparison.OrdinalIgnoreCase);

    // What agents are told can be written in the agents' encodings.
    internal static void ReadByAgents(AgentEvent message)
    {
        foreach (var json in (bool[])[true, false])
        {
            var encoding = AnyMessage.Encoding(json);
            RoundTrip(payload => encoding.ReadEvent(message.Type, payload), encoding.WriteEvent, message);
        }
    }

    internal static Exchange NewExchange() => Exchange.TryBegin(TypicalMessages.Id, "fuzz", 1, null, 0)!;

    private static string Timeout(byte[] input)
    {
        if (!GrpcTimeout.TryParse(System.Text.Encoding.Latin1.GetString(input), out var timeout))
        {
            return "refused: no timeout";
        }

        Require(timeout >= TimeSpan.Zero, "a timeout is negative");
        Require(GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out var again) && again >= timeout,
            "a timeout is written as a shorter one");
        return "timeout";
    }

    private static string StatusText(byte[] input)
    {
        var text = System.Text.Encoding.Latin1.GetString(input);
        var message = GrpcStatusText.Decode(text);
        var encoded = GrpcStatusText.Encode(message);
        Require(encoded.All(static c => c is >= ' ' and <= '~'), "a status message would break its header");
        Require(message.Length > GrpcStatusText.MaxMessageLength || GrpcStatusText.Decode(encoded) == message,
            "a status message is sent as another");
        return GrpcStatusText.Parse(text) == GrpcStatusCode.Unknown ? "refused: no code" : "code";
    }

    private static byte[] Framed(IMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        GrpcMessageWriter.Write(output, message, MaxLength);
        return output.WrittenSpan.ToArray();
    }

    private static IEnumerable<IMessage> AuthzSeeds()
    {
        yield return Messages.Question(("content-length", "5"), ("x-sidecar-bypassed", "forged"), ("x-envoy-auth-partial-body", "true"));
        var map = new HeaderMap();
        map.Headers.Add(new HeaderValue { Key = ":path", RawValue = ByteString.CopyFrom([(byte)'/', 0xFF]) });
        map.Headers.Add(new HeaderValue { Key = "cookie", Value = "a=1" });
        yield return new CheckRequest
        {
            Attributes = new AttributeContext
            {
                Request = new AttributeContext.Types.Request
                {
                    Http = new AttributeContext.Types.HttpRequest
                    {
                        Method = "POST",
                        Path = "/a?b",
                        Host = "shop.example",
                        Protocol = "HTTP/2",
                        HeaderMap = map,
                        RawBody = ByteString.CopyFromUtf8("body"),
                    },
                },
            },
        };
    }

    private static IEnumerable<IMessage> ExtProcSeeds()
    {
        var headers = new HttpHeaders { Headers = new HeaderMap() };
        foreach (var (name, value) in new[] { (":method", "GET"), (":path", "/a"), (":authority", "shop.example"),
            ("upgrade", "websocket"), ("X_Sidecar_Id", "1"), (":status", "200") })
        {
            headers.Headers.Headers.Add(new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(value) });
        }

        var told = new Google.Protobuf.WellKnownTypes.Struct();
        told.Fields["source.address"] = Google.Protobuf.WellKnownTypes.Value.ForString("127.0.0.1:80");
        told.Fields["xds.route_name"] = Google.Protobuf.WellKnownTypes.Value.ForString("r");
        var request = new ProcessingRequest { RequestHeaders = headers, ProtocolConfig = new ProtocolConfiguration() };
        request.Attributes["envoy.filters.http.ext_proc"] = told;
        yield return request;
        yield return new ProcessingRequest { ResponseHeaders = headers.Clone() };
        yield return new ProcessingRequest { RequestBody = new HttpBody { Body = ByteString.CopyFromUtf8("body"), EndOfStream = true } };
    }
}
