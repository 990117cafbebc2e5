using System.Buffers;
using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class DuplexPipePairTests
{
    [Test]
    public async Task Bytes_CrossInBothDirections()
    {
        var pair = new DuplexPipePair();
        await pair.Near.Output.WriteAsync(new byte[] { 1, 2 });
        await pair.Far.Output.WriteAsync(new byte[] { 3 });

        Assert.That((await pair.Far.Input.ReadAsync()).Buffer.ToArray(), Is.EqualTo(new byte[] { 1, 2 }));
        Assert.That((await pair.Near.Input.ReadAsync()).Buffer.ToArray(), Is.EqualTo(new byte[] { 3 }));
    }

    [Test]
    public void InlineScheduler_RunsTheReaderInsideTheFlush()
    {
        var pair = new DuplexPipePair();
        var reader = 0;
        var read = ReadAsync();
        pair.Near.Output.GetSpan(1)[0] = 7;
        pair.Near.Output.Advance(1);
        var flush = pair.Near.Output.FlushAsync();

        Assert.That((read.IsCompleted, flush.IsCompleted), Is.EqualTo((true, true)));
        Assert.That(reader, Is.EqualTo(Environment.CurrentManagedThreadId));

        async Task ReadAsync()
        {
            await pair.Far.Input.ReadAsync().ConfigureAwait(false);
            reader = Environment.CurrentManagedThreadId;
        }
    }

    [Test]
    public async Task UnreadBytesAtTheThreshold_HoldTheFlushUntilRead()
    {
        var pair = new DuplexPipePair(pauseThreshold: 8, resumeThreshold: 4);
        var flush = pair.Near.Output.WriteAsync(new byte[8]).AsTask();
        Assert.That(flush.IsCompleted, Is.False);

        var buffer = (await pair.Far.Input.ReadAsync()).Buffer;
        pair.Far.Input.AdvanceTo(buffer.GetPosition(4));
        Assert.That(flush.IsCompleted, Is.False);
        buffer = (await pair.Far.Input.ReadAsync()).Buffer;
        pair.Far.Input.AdvanceTo(buffer.GetPosition(1));
        Assert.That(flush.IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public async Task CompletedEnd_IsSeenByTheOther([Values] bool near)
    {
        var pair = new DuplexPipePair();
        var other = near ? pair.Far : pair.Near;
        Complete(pair, near, null);

        Assert.That((await other.Input.ReadAsync()).IsCompleted, Is.True);
        Assert.That((await other.Output.WriteAsync(new byte[1])).IsCompleted, Is.True);
    }

    [Test]
    public void EndCompletedWithAnError_ThrowsItAtTheOther([Values] bool near)
    {
        var pair = new DuplexPipePair();
        var other = near ? pair.Far : pair.Near;
        Complete(pair, near, new IOException("reset"));

        Assert.That(async () => await other.Input.ReadAsync(), Throws.InstanceOf<IOException>().With.Message.EqualTo("reset"));
        Assert.That(async () => await other.Output.WriteAsync(new byte[1]), Throws.InstanceOf<IOException>().With.Message.EqualTo("reset"));
    }

    private static void Complete(DuplexPipePair pair, bool near, Exception? error)
    {
        if (near)
        {
            pair.CompleteNear(error);
        }
        else
        {
            pair.CompleteFar(error);
        }
    }
}
