using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Grpc;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Grpc;

public sealed class GrpcMessageScannerTests
{
    private const int Limit = 1000;

    private static readonly byte[] Three = [0, 0, 0, 0, 3, 0xA1, 0xA2, 0xA3];
    private static readonly byte[] Empty = [0, 0, 0, 0, 0];

    [Test]
    public void MessagesBackToBack_AreReadFromEveryFragmentation()
    {
        byte[] stream = [.. Empty, .. Three, .. Empty, .. Three[..7]];
        foreach (var (name, sequence) in Fragmentation.All(stream))
        {
            var buffer = sequence;
            Assert.That(Scan(ref buffer, out var first), Is.EqualTo(GrpcScanStatus.Message), name);
            Assert.That(first.IsEmpty, Is.True, name);
            Assert.That(Scan(ref buffer, out var second), Is.EqualTo(GrpcScanStatus.Message), name);
            Assert.That(second.ToArray(), Is.EqualTo(Three[5..]), name);
            Assert.That(Scan(ref buffer, out _), Is.EqualTo(GrpcScanStatus.Message), name);
            Assert.That(Scan(ref buffer, out _), Is.EqualTo(GrpcScanStatus.NeedMore), name);
            Assert.That(buffer.ToArray(), Is.EqualTo(Three[..7]), name);
        }
    }

    [Test]
    public void TruncationAtEveryOffset_NeedsMoreAndLeavesTheBuffer()
    {
        for (var size = 0; size < Three.Length; size++)
        {
            foreach (var (name, sequence) in Fragmentation.All(Three[..size]))
            {
                var buffer = sequence;
                Assert.That(Scan(ref buffer, out _), Is.EqualTo(GrpcScanStatus.NeedMore), $"{size} bytes, {name}");
                Assert.That(buffer.Length, Is.EqualTo(size), name);
            }
        }
    }

    [TestCase(new byte[] { 0, 0, 0, 3, 0xE8 }, GrpcScanStatus.NeedMore, 1000u)]
    [TestCase(new byte[] { 0, 0, 0, 3, 0xE9 }, GrpcScanStatus.TooLong, 1001u)]
    [TestCase(new byte[] { 0, 0x7F, 0xFF, 0xFF, 0xFF }, GrpcScanStatus.TooLong, 0x7FFFFFFFu)]
    [TestCase(new byte[] { 0, 0x80, 0, 0, 0 }, GrpcScanStatus.TooLong, 0x80000000u)]
    [TestCase(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF }, GrpcScanStatus.TooLong, 0xFFFFFFFFu)]
    public void Length_IsHeldAgainstTheLimitBeforeItsBytesCome(byte[] prefix, GrpcScanStatus expected, uint expectedLength)
    {
        foreach (var (name, sequence) in Fragmentation.All(prefix))
        {
            var buffer = sequence;
            Assert.That(GrpcMessageScanner.TryRead(ref buffer, Limit, out _, out var length), Is.EqualTo(expected), name);
            Assert.That(length, Is.EqualTo(expectedLength), name);
        }
    }

    [Test]
    public void EveryOtherFlag_IsRefusedAtItsByte()
    {
        for (var flag = 1; flag <= byte.MaxValue; flag++)
        {
            var buffer = new ReadOnlySequence<byte>([(byte)flag]);
            Assert.That(Scan(ref buffer, out _), Is.EqualTo(flag == 1 ? GrpcScanStatus.Compressed : GrpcScanStatus.BadFlag));
        }
    }

    private static GrpcScanStatus Scan(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> message) =>
        GrpcMessageScanner.TryRead(ref buffer, Limit, out message, out _);
}
