using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Protocol.Grpc.Wire;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.ExtAuthz;

/// <summary>
/// A unary call is answered when its caller has ended it, not before: whoever ends it later would be reset, and a server ends the connection of
/// those that it resets by the hundred. The client here is .NET's own.
/// </summary>
internal sealed class UnaryEndTests
{
    private const int Callers = 64;
    private const int Rounds = 10;

    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(90);

    private static readonly TestCaseData[] Methods =
    [
        new TestCaseData(AuthzService.Path, Messages.Question()).SetArgDisplayNames("ext_authz"),
        new TestCaseData(HealthService.Path, new HealthCheckRequest()).SetArgDisplayNames("health"),
    ];

    [TestCaseSource(nameof(Methods))]
    public async Task CallerWhoseEndComesLate_IsAnsweredAndNeverReset(string path, IMessage question)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        using var client = Client(server.Path);
        for (var round = 0; round < Rounds; round++)
        {
            var ends = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var calls = Enumerable.Range(0, Callers).Select(_ => new Call(client, path, [question], ends.Task)).ToList();
            await Task.WhenAll(calls.Select(static call => call.Sent)).WaitAsync(Generous);

            // Answered on the same connection, and so after everything that came before it.
            var whole = await new Call(client, path, [question], Task.CompletedTask).Answer.WaitAsync(Generous);
            var early = calls.Count(static call => call.Answer.IsCompleted);
            ends.SetResult();

            var answers = await Task.WhenAll(calls.Select(static call => call.Answer)).WaitAsync(Generous);
            Assert.That(whole.Status, Is.EqualTo("0"));
            Assert.That(early, Is.Zero, "answers that came before the end of the question");
            Assert.That(answers.Select(static answer => answer.Status), Is.All.EqualTo("0"));
            Assert.That(answers.Select(static answer => answer.Body.Length), Is.All.GreaterThan(5));
        }

        if (path == AuthzService.Path)
        {
            Assert.That(await server.Harness.EndedAsync(), Has.One.EndsWith($"|all|inspected|none={Rounds * (Callers + 1)}"));
        }
    }

    [TestCaseSource(nameof(Methods))]
    public async Task SecondMessage_IsAnErrorOfThatCallAlone(string path, IMessage question)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        using var client = Client(server.Path);

        var wrong = await new Call(client, path, [question, question], Task.CompletedTask).Answer.WaitAsync(Generous);
        var right = await new Call(client, path, [question], Task.CompletedTask).Answer.WaitAsync(Generous);

        Assert.That((wrong.Status, wrong.Body.Length, right.Status), Is.EqualTo(("13", 0, "0")));
        if (path == AuthzService.Path)
        {
            Assert.That(await server.Harness.EndedAsync(), Is.EquivalentTo(new[] { "envoy:envoy|none|refused|malformed=1", "envoy:envoy|all|inspected|none=1" }));
        }
    }

    [Test]
    public async Task QuestionThatNeverEnds_IsRefusedWhenTheTimeIsUp()
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions(), new HarnessOptions { Budget = TimeSpan.FromMilliseconds(50) }, agent);
        using var client = Client(server.Path);
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var answer = await new Call(client, AuthzService.Path, [Messages.Question()], never.Task).Answer.WaitAsync(Generous);

        never.SetResult();
        Assert.That(answer.Status, Is.EqualTo("4"));
        Assert.That(await server.Harness.EndedAsync(), Is.EqualTo(new[] { "envoy:envoy|none|refused|timeout=1" }));
        Assert.That(agent.Seen, Is.Empty);
    }

    private static HttpClient Client(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        Timeout = Generous,
    };

    /// <summary>One call: its messages go at once, its end when it is told.</summary>
    private sealed class Call : HttpContent
    {
        private readonly TaskCompletionSource _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly IReadOnlyList<IMessage> _messages;
        private readonly Task _end;

        public Call(HttpClient client, string path, IReadOnlyList<IMessage> messages, Task end)
        {
            (_messages, _end) = (messages, end);
            Headers.ContentType = new("application/grpc");
            Answer = AskAsync(client, path);
        }

        public Task Sent => _sent.Task;

        public Task<(string? Status, byte[] Body)> Answer { get; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var message in _messages)
            {
                var frame = new byte[5 + message.CalculateSize()];
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
                message.WriteTo(frame.AsSpan(5));
                await stream.WriteAsync(frame);
            }

            await stream.FlushAsync();
            _sent.SetResult();
            await _end;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        private async Task<(string? Status, byte[] Body)> AskAsync(HttpClient client, string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("http://envoy" + path))
            {
                Content = this,
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            request.Headers.TE.ParseAdd("trailers");
            using var response = await client.SendAsync(request);
            var body = await response.Content.ReadAsByteArrayAsync();
            var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
            return (headers.TryGetValues("grpc-status", out var status) ? status.Single() : null, body);
        }
    }
}
