using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Tests.FrontEnds.Common;

[TestFixture]
internal sealed class HeaderTableTests
{
    private static readonly HeaderTable Nginx = HeaderTables.Nginx;

    private static readonly HeaderTable[] Http = [
        HeaderTables.Nginx, HeaderTables.Caddy, HeaderTables.Traefik, HeaderTables.EnvoyHttp, HeaderTables.TraefikUpgrades];

    [Test]
    public void Classify_EveryTrustedHeader_IsFoundInAnyCaseUnderItsNumber()
    {
        foreach (var header in Enum.GetValues<TrustedHeader>().Where(static header => header != TrustedHeader.PartialBody))
        {
            var name = Nginx.NameOf(header)!;
            Assert.That(Believed(Nginx, name), Is.EqualTo(header), name);
            Assert.That(Believed(Nginx, name.ToUpperInvariant()), Is.EqualTo(header), name);
        }

        Assert.That(Enum.GetValues<TrustedHeader>(), Has.Length.EqualTo(TrustedValues.Count));
    }

    [Test]
    public void Classify_InEveryDialect_BelievesItsOwnNamesAndRefusesTheirImitations()
    {
        foreach (var table in Http)
        {
            foreach (var header in Enum.GetValues<TrustedHeader>().Where(header => table.NameOf(header) is not null))
            {
                var name = table.NameOf(header)!;
                Assert.That(Believed(table, name.ToUpperInvariant()), Is.EqualTo(header), name);
                var imitation = name.StartsWith("x-sidecar-", StringComparison.Ordinal) && ReferenceEquals(table, HeaderTables.EnvoyHttp)
                    ? HeaderRole.Removed
                    : HeaderRole.Refused;
                var role = Role(table, name.Replace('-', '_'));
                Assert.That(role, Is.EqualTo(name.Contains('-', StringComparison.Ordinal) ? imitation : HeaderRole.Believed), name);
            }

            foreach (var name in new[] { "connection", "content-length", "transfer-encoding" })
            {
                Assert.That(Role(table, name), Is.EqualTo(HeaderRole.Consumed), name);
            }

            foreach (var name in new[] { "X-Sidecar-Secret", "X_Sidecar_Id" })
            {
                Assert.That(Role(table, name), Is.Not.EqualTo(HeaderRole.Shown).And.Not.EqualTo(HeaderRole.Believed), name);
            }
        }
    }

    [TestCase("x-original-uri", true, false, false, false)]
    [TestCase("x-forwarded-uri", false, true, true, false)]
    [TestCase("x-forwarded-for", true, true, true, false)]
    [TestCase("x-request-id", true, false, false, true)]
    [TestCase("host", false, false, false, true)]
    public void Classify_WhatOneProxySets_AnotherDoesNotBelieve(string name, bool nginx, bool caddy, bool traefik, bool envoy)
    {
        var believed = Http.Take(4).Select(table => Role(table, name) == HeaderRole.Believed);

        Assert.That(believed, Is.EqualTo(new[] { nginx, caddy, traefik, envoy }));
    }

    [Test]
    public void Classify_TrustedNameWithAnUnderscore_IsRefused()
    {
        foreach (var name in Enum.GetValues<TrustedHeader>().Select(Nginx.NameOf).OfType<string>())
        {
            Assert.That(Role(Nginx, name.Replace('-', '_')), Is.EqualTo(HeaderRole.Refused), name);
            var last = name.LastIndexOf('-');
            Assert.That(Role(Nginx, name[..last] + "_" + name[(last + 1)..]), Is.EqualTo(HeaderRole.Refused), name);
        }
    }

    [TestCase("X-Sidecar-Anything")]
    [TestCase("x-sidecar-")]
    [TestCase("X_Sidecar_User")]
    [TestCase("x_sidecar-request-x-user")]
    [TestCase("X-Sidecar-A-Name-That-Is-Longer-Than-Every-Other-Name-We-Know-Of")]
    public void Classify_OurPrefix_IsRefusedOrTakenAway(string name)
    {
        foreach (var table in Http.Append(HeaderTables.Envoy).Append(HeaderTables.Haproxy))
        {
            var expected = ReferenceEquals(table, HeaderTables.EnvoyHttp) || !Http.Contains(table) ? HeaderRole.Removed : HeaderRole.Refused;
            Assert.That(Role(table, name), Is.EqualTo(expected), name);
        }
    }

    [TestCase("Host")]
    [TestCase("Connection")]
    [TestCase("Content-Length")]
    [TestCase("Keep-Alive")]
    [TestCase("TE")]
    [TestCase("Transfer-Encoding")]
    [TestCase("Upgrade")]
    public void Classify_HeaderOfTheConnection_IsConsumed(string name) => Assert.That(Role(Nginx, name), Is.EqualTo(HeaderRole.Consumed));

    /// <summary>nginx hands these on to the upstream as it hands them to us.</summary>
    [TestCase("Proxy-Connection")]
    [TestCase("Trailer")]
    [TestCase("Cookie")]
    [TestCase("X-User")]
    [TestCase("X-Sidecars")]
    [TestCase("X-Original")]
    [TestCase("a")]
    [TestCase("a_b")]
    [TestCase("x-original-uri-of-something-much-longer-than-the-table-has")]
    public void Classify_AnyOther_IsShown(string name) => Assert.That(Role(Nginx, name), Is.EqualTo(HeaderRole.Shown));

    // As text and as bytes: both must say the same.
    private static HeaderRole Role(HeaderTable table, string name)
    {
        var role = table.Classify(name, out _);
        Assert.That(table.Classify(Encoding.Latin1.GetBytes(name)), Is.EqualTo(role), name);
        return role;
    }

    private static TrustedHeader? Believed(HeaderTable table, string name) => table.Classify(name, out var header) == HeaderRole.Believed ? header : null;
}
