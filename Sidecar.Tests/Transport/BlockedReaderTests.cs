using NUnit.Framework;

namespace Sidecar.Tests.Transport;

/// <summary>A reader may block the thread that receives for it, unless that is a poller.</summary>
[TestFixture(Receiver.Thread)]
[TestFixture(Receiver.Runtime)]
public sealed class BlockedReaderTests(SocketPipesRig.Receiver receiver) : SocketPipesRig(receiver)
{
    [Test]
    public async Task ReaderThatBlocks_HoldsNoOtherConnection_NorWrites()
    {
        using var release = new SemaphoreSlim(0);
        var (near, far) = Connect(Directory);
        var (otherNear, otherFar) = Connect(Directory);
        using (far)
        using (otherFar)
        {
            await using var pipes = Open(near);
            await using var others = Open(otherNear);
            var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var reading = ReadAndBlockAsync();
            await far.SendAsync("x"u8.ToArray());
            await blocked.Task.WaitAsync(Wire.Limit);
            await otherFar.SendAsync("y"u8.ToArray());
            Assert.That((await others.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit)).Buffer.Length, Is.EqualTo(1));
            await pipes.Output.WriteAsync("z"u8.ToArray());
            Assert.That(await ReadAsync(far, 1).WaitAsync(Wire.Limit), Is.EqualTo("z"u8.ToArray()));
            release.Release();
            await reading.WaitAsync(Wire.Limit);

            // Begun before anything comes, so that whoever receives runs what follows.
            async Task ReadAndBlockAsync()
            {
                await pipes.Input.ReadAsync().ConfigureAwait(false);
                blocked.SetResult();
                release.Wait(Wire.Limit);
            }
        }
    }
}
