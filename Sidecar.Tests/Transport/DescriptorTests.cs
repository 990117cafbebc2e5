using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Transport;

/// <summary>The limit of open files and what of it is left to others.</summary>
public sealed class DescriptorTests
{
    private const string Head = "Limit                     Soft Limit           Hard Limit           Units     ";

    [TestCase("Max open files            1024                 524288               files     ", 1024, 524288)]
    [TestCase("Max open files            unlimited            unlimited            files     ", int.MaxValue, int.MaxValue)]
    [TestCase("Max open files            1024                 99999999999          files     ", 1024, int.MaxValue)]
    [TestCase("Max processes             10                   20                   processes ", int.MaxValue, int.MaxValue)]
    [TestCase("Max open files", int.MaxValue, int.MaxValue)]
    public void Limits_AreReadAsTheKernelWritesThem(string line, int soft, int hard) =>
        Assert.That(DescriptorLimit.Parse([Head, line]), Is.EqualTo(new DescriptorLimit(soft, hard)));

    [Test]
    public void LimitOfThisProcess_IsAtLeastWhatItHasOpen() =>
        Assert.That(DescriptorLimit.Read().Soft, Is.GreaterThan(Directory.GetFiles("/proc/self/fd").Length));

    [TestCase(256, 192)]
    [TestCase(1024, 768)]
    [TestCase(20_000, 19_744)]
    public void Reserve_Is256OrAQuarter(int limit, int first) => Assert.That(DescriptorReserve.OfLimit(limit).First, Is.EqualTo(first));

    [Test]
    public void Reserve_IsToldByTheNumberOfADescriptor()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var number = (int)socket.Handle;
        Assert.That((new DescriptorReserve(number).IsTouchedBy(socket), new DescriptorReserve(number + 1).IsTouchedBy(socket)), Is.EqualTo((true, false)));
        Assert.That((new DescriptorReserve(0).IsWhole(), new DescriptorReserve(int.MaxValue).IsWhole()), Is.EqualTo((false, true)));
    }
}
