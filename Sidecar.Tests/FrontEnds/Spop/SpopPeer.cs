using System.Buffers;
using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>HAProxy's end of a connection, on a pipe.</summary>
internal sealed class SpopPeer(IDuplexPipe pipe, SpopConnection? connection = null, Task? running = null)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private byte[] _received = [];
    private int _maxFrameSize = (int)SpopProxy.DefaultMaxFrameSize;

    public SpopConnection Connection => connection!;

    /// <summary>The end of the connection.</summary>
    public Task EndAsync() => running!.WaitAsync(Limit);

    public async Task<SpopAgentFrame> GreetAsync(uint maxFrameSize = SpopProxy.DefaultMaxFrameSize)
    {
        _maxFrameSize = (int)maxFrameSize;
        await SendAsync(SpopProxy.HelloFrame(maxFrameSize));
        var hello = await ReceiveAsync();
        Assert.That(hello!.Type, Is.EqualTo(SpopAgentFrame.Hello));
        return hello;
    }

    public async Task SendAsync(byte[] bytes) => await pipe.Output.WriteAsync(bytes).AsTask().WaitAsync(Limit);

    public Task SendAsync(IEnumerable<byte[]> frames) => SendAsync(frames.SelectMany(static frame => frame).ToArray());

    /// <summary>The next frame; null at the end of the stream.</summary>
    public async Task<SpopAgentFrame?> ReceiveAsync()
    {
        while (true)
        {
            if (SpopAgentFrame.TryTake(ref _received, _maxFrameSize) is { } frame)
            {
                return frame;
            }

            var result = await pipe.Input.ReadAsync().AsTask().WaitAsync(Limit);
            _received = [.. _received, .. result.Buffer.ToArray()];
            pipe.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted && result.Buffer.IsEmpty)
            {
                Assert.That(_received, Is.Empty, "the stream ends between two frames");
                return null;
            }
        }
    }

    /// <summary>Asks and waits for the one answer.</summary>
    public async Task<Dictionary<string, object?>> AskAsync(byte[] notify)
    {
        await SendAsync(notify);
        return await AnswerAsync();
    }

    /// <summary>The variables of the next ACK.</summary>
    public async Task<Dictionary<string, object?>> AnswerAsync() => Variables(await ReceiveAsync());

    /// <summary>The status of the DISCONNECT that ends the connection.</summary>
    public async Task<(uint Status, string Message)> GoodbyeAsync()
    {
        var frame = await ReceiveAsync();
        Assert.That(frame?.Type, Is.EqualTo(SpopAgentFrame.Disconnect));
        Assert.That(await ReceiveAsync(), Is.Null, "DISCONNECT is the last frame");
        return ((uint)frame!.Items["status-code"]!, (string)frame.Items["message"]!);
    }

    public async Task CloseAsync()
    {
        await pipe.Output.CompleteAsync();
    }

    public static Dictionary<string, object?> Variables(SpopAgentFrame? frame)
    {
        Assert.That(frame?.Type, Is.EqualTo(SpopAgentFrame.Ack));
        Assert.That(frame!.Actions, Is.Not.Empty);
        Assert.That(frame.Actions.Select(static action => action.Scope), Is.All.EqualTo(2), "scope txn");
        return frame.Actions.ToDictionary(static action => action.IsSet ? action.Name : "-" + action.Name, static action => action.Value);
    }
}
