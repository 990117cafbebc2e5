using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Fuzz.FuzzTarget;
using Answer = Sidecar.Daemon.FrontEnds.Decide.Answer;

namespace Sidecar.Tests.Fuzz;

/// <summary>What an agent says, as far as clients, upstreams, logs and the page of metrics get to see it.</summary>
internal static class VerdictTargets
{
    private const string Proof = "waf-token-0123456789";

    private static readonly MetricSums Sums = new();

    private static readonly FakeTimeProvider Clock = new();

    private static readonly ReplyTokens Tokens = new(RandomNumberGenerator.GetBytes(ReplyKeyFile.KeyLength), Clock);

    private static readonly ReplyTokens Others = new(RandomNumberGenerator.GetBytes(ReplyKeyFile.KeyLength), Clock);

    private static readonly Reply Page = new(418, [new("content-type", "text/plain"), new("set-cookie", "a=1")],
        "short and stout"u8.ToArray());

    private static readonly ConnectionSettings Settings = new()
    {
        AgentId = "waf",
        MaxInFlight = 64,
        ConnectTimeout = TimeSpan.FromSeconds(1),
        Encodings = [ProtocolConstants.MessagePack, ProtocolConstants.Json],
        ProxyVersion = "1",
    };

    // Agent waf has a token.
    private static readonly Lazy<RegistrationRules> Rules = new(static () =>
    {
        using var directory = new TempDirectory();
        var file = directory.File("tokens");
        File.WriteAllText(file, $"waf {Proof}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var agents = new Dictionary<string, RegisteredConnections>(StringComparer.Ordinal)
        {
            ["waf"] = new(Settings, 2, Clock, NullLogger.Instance),
        };
        return new RegistrationRules(agents.GetValueOrDefault, AgentTokens.Load(file, agents.Keys), 2);
    });

    private static readonly AgentResponse Slow = new()
    {
        Decision = new BlockDecision(429, "slow", new Dictionary<string, string> { ["retry-after"] = "5" }),
    };

    private static readonly MessageEncoding[] Encodings = [MessageEncodings.Json, MessageEncodings.MessagePack, ProtobufEncoding.OfProxy];

    private static readonly HeaderMapping[] Places =
    [
        .. new[] { ProxyProfile.Nginx, ProxyProfile.Caddy, ProxyProfile.EnvoyHttp }
            .Select(static dialect => new HeaderMapping(new HttpListenerOptions { Name = "http", Dialect = dialect })),
    ];

    public static IEnumerable<FuzzTarget> All =>
    [
        new("verdict.answer", Answered, [.. AnswerSeeds()]) { FreeBytes = 1024 * 1024, BytesPerByte = 4096 },
        new("reply.token", Token, [Encoding.ASCII.GetBytes(Others.Issue(Page)!),
            Encoding.ASCII.GetBytes(Tokens.Issue(Page)!)]) { BytesPerByte = 2048 },
        new("report.page", Reported, [.. AgentTargets.Golden(MessageType.MetricsReport)]) { FreeBytes = 1024 * 1024, BytesPerByte = 4096 },
        new("handshake.judged", Judged, [.. AgentTargets.Golden(MessageType.HandshakeResponse)]),
        new("registration.judged", Registered, [.. AgentTargets.Golden(MessageType.HandshakeRequest, registration: true)]),
    ];

    // The first byte chooses the encoding.
    private static string Answered(byte[] input)
    {
        if (input.Length < 1)
        {
            return "refused: nothing";
        }

        if (TryRead(Encodings[input[0] % Encodings.Length].ReadResponse, input[1..], out var answer) is { } refused)
        {
            return refused;
        }

        var response = answer.Response;
        if (HeaderRules.AnswerError(response) is { } error)
        {
            Require(response.Decision is AllowDecision, "a refusal is taken for the agent's failure");
            return Refused(error);
        }

        // A refusal stays one, without what cannot be carried out.
        var decision = DecisionRules.Fit(response.Decision, out var repaired);
        Require(decision is AllowDecision == response.Decision is AllowDecision, "a refusal becomes an allow, or the other way round");
        return decision is AllowDecision ? Allow(response) : Refusal(response with { Decision = decision }, repaired);
    }

    private static string Allow(AgentResponse response)
    {
        var verdict = new Verdict
        {
            RequestHeaders = HeaderEdits.Fold([response.RequestHeaders, response.RequestHeaders]),
            ResponseHeaders = HeaderEdits.Fold([response.ResponseHeaders]),
            Audits = [new AgentAudit("waf", "allow", response.Audit)],
        };
        var names = verdict.RequestHeaders.Select(static edit => edit.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        Require(names.Count == verdict.RequestHeaders.Count, "two edits of one header");
        foreach (var edit in verdict.RequestHeaders.Concat(verdict.ResponseHeaders))
        {
            Require(HeaderRules.IsToken(edit.Name) && edit.Values.All(IsFieldValue), $"an edit of {edit.Name} would break the message");
        }

        _ = new PackedEdits(verdict.RequestHeaders).Added;
        EnvoyEdits.TryCarry(verdict.RequestHeaders, Direction.Request, new HeaderBlock(), LooseExchange.New(),
            new Sidecar.Protocol.Envoy.HeaderMutation());
        foreach (var carried in Places)
        {
            var headers = new HeaderDictionary();
            carried.Write(headers, verdict, new HeaderBlock(),
                new HeaderDictionary { ["X-Client-Secret"] = "mine" }, LooseExchange.New());
            RequireFields(headers);
        }

        RequireJson(verdict);
        return $"allow {verdict.RequestHeaders.Count > 0} {verdict.ResponseHeaders.Count > 0} {response.NeedsMore} {response.Guardrail is null}";
    }

    private static string Refusal(AgentResponse response, string? repaired)
    {
        var verdict = new Verdict
        {
            Kind = VerdictMerger.KindOf(response.Decision),
            Decision = response.Decision,
            DecidedBy = "waf",
            Audits = [new AgentAudit("waf", "block", response.Audit)],
        };
        var reply = ReplyRenderer.Render(verdict);
        Require(reply.Status is >= 200 and <= 599, $"a reply of status {reply.Status}");
        foreach (var (name, value) in reply.Headers)
        {
            Require(HeaderRules.IsToken(name) && !name.Any(char.IsAsciiLetterUpper) && IsFieldValue(value),
                $"the header {name} would break the reply");
            Require(name is not ("content-length" or "transfer-encoding" or "connection" or "upgrade" or "trailer"),
                $"{name} frames the reply or belongs to a connection");
        }

        RequireToken(reply);
        RequireJson(verdict);
        Require(ImmediateResponses.From(verdict, isGrpc: false).ToByteArray().Length > 0
            && SpopAnswerWriter.Render(SpopPhase.Request, verdict).Status == reply.Status, "one verdict has two replies");
        return $"{verdict.Kind} {reply.Status / 100} {repaired is null}";
    }

    private static void RequireToken(Reply reply)
    {
        if (Tokens.Issue(reply) is { } token)
        {
            Require(Tokens.Read(token, out var read) == ReplyTokenState.Valid && read!.Status == reply.Status
                && read.Headers.SequenceEqual(reply.Headers) && read.Body.Span.SequenceEqual(reply.Body.Span),
                "a token holds another reply");
            Require(Others.Read(token, out _) == ReplyTokenState.Forged, "a token of another key is believed");
        }
    }

    private static void RequireJson(Verdict verdict)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var answer = new Answer { Tx = "t", Exchange = LooseExchange.New() })
        {
            answer.Add(verdict);
            AnswerWriter.Write(output, answer);
        }

        using var json = JsonDocument.Parse(output.WrittenMemory);
        Require(json.RootElement.GetProperty("action").GetString() == "allow" == verdict.IsAllow,
            "the answer of a refusal says allow, or the other way round");
        var line = AuditLine.Write(verdict.Audits);
        Require(line.Length <= AuditLine.MaxLength && line.All(static c => c is >= ' ' and <= '~'), "an audit line would break its header");
        if (line.Length > 0)
        {
            JsonDocument.Parse(line).Dispose();
        }
    }

    private static void RequireFields(HeaderDictionary headers)
    {
        foreach (var (name, values) in headers)
        {
            Require(values.All(static value => value is null || IsFieldValue(value)), $"the header {name} would break our answer");
        }
    }

    private static bool IsFieldValue(string value) => value.AsSpan().IndexOfAny("\r\n\0") < 0;

    // Tokens under our key are the two that were issued; whatever else is valid, somebody has forged.
    private static string Token(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input);
        var state = Tokens.Read(text, out var reply);
        Require(state == ReplyTokenState.Valid == reply is not null, "a reply without a valid token");
        Require(reply is null || (reply.Status == Page.Status && reply.Headers.SequenceEqual(Page.Headers)
            && reply.Body.Span.SequenceEqual(Page.Body.Span)), "a forged token is valid");
        return state == ReplyTokenState.Valid ? "valid" : $"refused: {state}";
    }

    // Whatever an agent calls its metrics, Prometheus reads the page.
    private static string Reported(byte[] input)
    {
        if (TryRead(MessageEncodings.Json.ReadMetrics, input, out var report) is { } refused)
        {
            return refused;
        }

        var reports = new AgentReports(Sums.Metrics.Agents, "sidecar", new AgentReportLimits(), Clock);
        reports.Take("waf", "1", "one", report!);
        reports.Take("bot", "1", null, report!);
        var output = new ArrayBufferWriter<byte>();
        reports.Render(output);
        var page = new PrometheusPage(Encoding.UTF8.GetString(output.WrittenSpan));
        Require(page.Types.Keys.All(static name => !name.StartsWith("sidecar_", StringComparison.Ordinal)),
            "an agent has one of our names");
        return $"{string.Join(' ', page.Types.Values.Distinct().Order())} {page.Samples.Count > 2}";
    }

    private static string Judged(byte[] input)
    {
        if (TryRead(static payload => Handshake.ReadResponse(payload, Settings, AgentDialect.Native), input,
            out var response) is { } refused)
        {
            return refused;
        }

        Require(response!.Success && response.ProtocolVersion == ProtocolConstants.Version, "a refused handshake is taken");
        var traits = Handshake.TraitsOf(response.Capabilities, Settings, AgentDialect.Native);
        Require(traits.MaxInFlight > 0 && traits.MaxInFlight <= Settings.MaxInFlight && traits.MaxEventBytes > 0,
            $"{traits.MaxInFlight} calls in flight, pieces of {traits.MaxEventBytes} bytes");
        return $"taken {traits.IsConcurrent} {response.Encoding}";
    }

    private static string Registered(byte[] input)
    {
        if (TryRead(HandshakeCodec.ReadRegistrationRequest, input, out var request) is { } refused)
        {
            return refused;
        }

        // Who has to show a token does not get in without it.
        var secret = !Encoding.Latin1.GetString(input).Contains(Proof, StringComparison.Ordinal);
        var isIn = Rules.Value.TryAdmit(request!, out _, out var slot, out var refusal);
        slot?.Dispose();
        Require(!isIn || !secret, "an agent without its token is let in");
        if (refusal is not null)
        {
            Require(refusal.Error.All(static c => !char.IsControl(c)), "a refusal would break the log's line");
            Require(RegistrationAnswers.Refused(refusal.Error, "1").Length > 0, "a refusal cannot be told");
        }

        return $"read {isIn} {refusal?.Outcome}";
    }

    private static IEnumerable<byte[]> AnswerSeeds() =>
        AgentTargets.Golden(MessageType.AgentResponse).Select(static seed => (byte[])[0, .. seed])
            .Concat(AgentTargets.Golden(MessageType.AgentResponse, json: false).Select(static seed => (byte[])[1, .. seed]))
            .Append([2, .. AnyMessage.Write(ProtobufEncoding.OfAgent, new AgentAnswer(TypicalMessages.Id, Slow))]);
}
