using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.Grpc;

/// <summary>Room for large messages: asked for once, before they are taken, and given back when they are dealt with.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class GrpcReceiveMemoryTests
{
    private const int Free = 64 * 1024;

    private readonly Room _room = new();

    [TestCase(Free - 100, 0)]
    [TestCase(Free + 100, 1)]
    [TestCase(2_000_000, 1)]
    public async Task OnlyLargeMessagesAsk(int size, int asked)
    {
        await using var rig = await StartAsync(EchoAsync, Options());

        var reply = await rig.AskAsync(Body(new string('x', size)));

        Assert.That(reply.Status.IsOk, Is.True);
        await Eventually.TrueAsync(() => _room.Used == 0, Limit, "the room to be given back");
        Assert.That((_room.Asked, _room.Returned), Is.EqualTo((asked, asked)));
    }

    [Test]
    public async Task RoomIsKept_UntilTheNextMessageIsWanted()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await StartAsync(
            async call =>
            {
                await call.ReadAsync(HttpBody.Parser, call.Cancellation);
                read.SetResult();
                await goOn.Task;
                await call.ReadAsync(HttpBody.Parser, call.Cancellation);
            },
            Options());
        await using var call = rig.Start();
        await call.WriteAsync(Body(new string('x', 100_000)), Soon());
        await read.Task.WaitAsync(Soon());
        Assert.That(_room.Used, Is.GreaterThan(100_000));

        goOn.SetResult();

        await Eventually.TrueAsync(() => _room.Used == 0, Limit, "the room to be given back");
        await call.CompleteAsync();
    }

    [Test]
    public async Task NoRoom_EndsTheCallAsUnavailable()
    {
        _room.IsFull = true;
        await using var rig = await StartAsync(EchoAsync, Options());

        var reply = await rig.AskAsync(Body(new string('x', 100_000)));

        Assert.That(reply.Status.ToString(), Does.Match("^Unavailable: there is no memory for a message of [0-9]+ bytes now"));
        Assert.That((await rig.AskAsync(Body("small"))).Status.IsOk, Is.True, "the connection goes on");
        Assert.That((_room.Used, _room.Returned), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task CallThatIsGivenUp_GivesItsRoomBack()
    {
        await using var rig = await StartAsync(EchoAsync, Options());
        var call = rig.Start();
        await call.WriteAsync(Body(new string('x', 100_000)), Soon());
        Assert.That(await call.ReadAsync(Soon()), Is.Not.Null);

        await call.DisposeAsync();

        await Eventually.TrueAsync(() => _room is { Asked: 1, Used: 0 }, Limit, "the room to be given back");
    }

    [Test]
    public async Task ServerThatStops_EndsOpenStreams()
    {
        await using var rig = await StartAsync(EchoAsync, Options());
        await using var call = rig.Start();
        await call.WriteAsync(Body(new string('x', 100_000)), Soon());
        Assert.That(await call.ReadAsync(Soon()), Is.Not.Null);

        await rig.StopServerAsync();

        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.Not.EqualTo(GrpcStatusCode.Ok));
        await Eventually.TrueAsync(() => _room.Used == 0, Limit, "the room to be given back");
    }

    private GrpcServerOptions Options() => new() { ReceiveMemory = _room };

    private static async Task EchoAsync(GrpcServerCall call)
    {
        await foreach (var message in call.ReadAllAsync(HttpBody.Parser, call.Cancellation))
        {
            await call.WriteAsync(message, call.Cancellation);
        }
    }

    private sealed class Room : IGrpcReceiveMemory
    {
        private int _asked;
        private int _returned;
        private int _used;

        public bool IsFull { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public int Returned => Volatile.Read(ref _returned);

        public int Used => Volatile.Read(ref _used);

        public ValueTask<bool> ReserveAsync(int bytes)
        {
            Interlocked.Increment(ref _asked);
            if (!IsFull)
            {
                Interlocked.Add(ref _used, bytes);
            }

            return new(!IsFull);
        }

        public void Return(int bytes)
        {
            Interlocked.Increment(ref _returned);
            Interlocked.Add(ref _used, -bytes);
        }
    }
}
