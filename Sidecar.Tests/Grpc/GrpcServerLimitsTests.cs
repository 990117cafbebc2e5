using Microsoft.AspNetCore.Server.Kestrel.Core;
using NUnit.Framework;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Tests.Grpc;

public sealed class GrpcServerLimitsTests
{
    [TestCase(1, 64 * 1024)]
    [TestCase(GrpcServerLimits.DefaultStreamsPerConnection, 64 * 1024 * 1024)]
    [TestCase(32_767, 32_767 * 64 * 1024)]
    [TestCase(32_768, int.MaxValue)]
    [TestCase(int.MaxValue, int.MaxValue)]
    public void ConnectionWindow_HoldsThoseOfAllStreams(int streams, int window)
    {
        var options = new KestrelServerOptions();

        GrpcServerLimits.Apply(options, streams);

        Assert.That(options.Limits.Http2.MaxStreamsPerConnection, Is.EqualTo(streams));
        Assert.That(options.Limits.Http2.InitialStreamWindowSize, Is.EqualTo(64 * 1024));
        Assert.That(options.Limits.Http2.InitialConnectionWindowSize, Is.EqualTo(window));
    }

    [Test]
    public void SilentStreams_AreNoAttack()
    {
        var options = new KestrelServerOptions();

        GrpcServerLimits.Apply(options);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(options.Limits.MinRequestBodyDataRate, Is.Null);
            Assert.That(options.Limits.MinResponseDataRate, Is.Null);
            Assert.That(options.Limits.MaxRequestBodySize, Is.Null);
            Assert.That(options.Limits.Http2.MaxStreamsPerConnection, Is.GreaterThanOrEqualTo(1000));
        }
    }

    [Test]
    public void NoStreams_AreRefused() =>
        Assert.That(() => GrpcServerLimits.Apply(new KestrelServerOptions(), 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
