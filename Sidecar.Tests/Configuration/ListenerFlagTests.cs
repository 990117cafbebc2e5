using System.Net;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.Configuration;

public sealed class ListenerFlagTests
{
    [Test]
    public void Http_IsRead()
    {
        var listener = Parse("http=/run/h.sock,proxy=nginx,budget=300ms,mode=0600,group=www,set-headers=X-A+X-B,edit-headers=,response-headers=X-C");
        Assert.That((listener.Kind, listener.Path, listener.Proxy, listener.Group, listener.Name),
            Is.EqualTo((ListenerKind.Http, "/run/h.sock", ProxyKind.Nginx, "www", "http:h.sock")));
        Assert.That(listener.Budget, Is.EqualTo(TimeSpan.FromMilliseconds(300)));
        Assert.That(listener.Mode, Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(listener.SetHeaders, Is.EqualTo(new[] { "X-A", "X-B" }));
        Assert.That(listener.EditHeaders, Is.Empty, "written empty it means none");
        Assert.That(listener.ResponseHeaders, Is.EqualTo(new[] { "X-C" }));
    }

    [Test]
    public void Native_IsRead()
    {
        var listener = Parse("native=/run/n.sock,unknown-exchange=open");
        Assert.That((listener.Kind, listener.UnknownExchange, listener.Budget, listener.Mode, listener.Group),
            Is.EqualTo((ListenerKind.Native, FailureMode.Open, ListenerSettings.Budget.Default, ListenerSettings.Mode.Default, (string?)null)));
        Assert.That(Parse("native=/run/n.sock").UnknownExchange, Is.EqualTo(FailureMode.Closed));
        Assert.That(Parse("admin=/run/a.sock").Kind, Is.EqualTo(ListenerKind.Admin));
    }

    [Test]
    public void Caddy_IsRead()
    {
        var listener = Parse("http=/run/h.sock,proxy=caddy");
        Assert.That(
            (listener.Proxy, listener.Address, listener.Place, listener.SecretFile), Is.EqualTo((ProxyKind.Caddy, (IPEndPoint?)null, "/run/h.sock", (string?)null)));
        Assert.That(listener.ResponseHeaders, Is.EqualTo(new[] { "X-Frame-Options" }));
    }

    [TestCase("127.0.0.1:9000")]
    [TestCase("127.8.0.1:1")]
    [TestCase("[::1]:9000")]
    [TestCase("127.0.0.1:0")]
    public void Traefik_ListensOnLoopback(string address)
    {
        var listener = Parse($"http={address},proxy=traefik,secret-file=/etc/sidecar/traefik.secret");
        Assert.That((listener.Proxy, listener.Address, listener.Place, listener.Name),
            Is.EqualTo((ProxyKind.Traefik, IPEndPoint.Parse(address), address, $"http:{address}")));
        Assert.That(listener.SecretFile, Is.EqualTo("/etc/sidecar/traefik.secret"));
        Assert.That(listener.ResponseHeaders, Is.Empty, "Traefik carries none but cookies");
        Assert.That(Parse($"http={address},proxy=traefik,secret-file=s,response-headers=Set-Cookie").ResponseHeaders, Is.EqualTo(new[] { "Set-Cookie" }));
    }

    [Test]
    public void EnvoyHttp_IsRead()
    {
        Assert.That(Parse("http=/e.sock,proxy=envoy-http").PathPrefix, Is.Empty);
        var listener = Parse("http=/e.sock,proxy=envoy-http,path-prefix=/authz/v1");
        Assert.That((listener.Proxy, listener.PathPrefix), Is.EqualTo((ProxyKind.EnvoyHttp, "/authz/v1")));
    }

    [Test]
    public void Reverse_IsRead()
    {
        var listener = Parse("reverse=/run/r.sock,agents=waf+bot,token-file=/etc/t,uid=waf+1000,gid=agents,max-per-agent=2,mode=0600,group=agents");
        Assert.That((listener.Kind, listener.Name, listener.Group), Is.EqualTo((ListenerKind.Reverse, "reverse:r.sock", "agents")));
        var reverse = listener.Reverse!;
        Assert.That((reverse.TokenFile, reverse.MaxPerAgent), Is.EqualTo(("/etc/t", (int?)2)));
        Assert.That(reverse.Agents, Is.EqualTo(new[] { "waf", "bot" }));
        Assert.That(reverse.Users, Is.EqualTo(new[] { "waf", "1000" }));
        Assert.That(reverse.Groups, Is.EqualTo(new[] { "agents" }));
        Assert.That(Parse("reverse=/run/r.sock").Reverse, Is.EqualTo(new ReverseOptions()));
        Assert.That(Parse("native=/run/n.sock").Reverse, Is.Null);
    }

    [Test]
    public void Envoy_IsRead()
    {
        var plain = Parse("envoy=/e.sock");
        Assert.That(
            (plain.Kind, plain.Budget, plain.Envoy, plain.Name),
            Is.EqualTo((ListenerKind.Envoy, TimeSpan.FromMilliseconds(160), new EnvoyOptions(), "envoy:e.sock")));
        var listener = Parse("envoy=127.0.0.1:9002,secret-file=s,budget=1s,allow-mode-override=yes,max-message-timeout=2s,whole-bodies=buffered,buffer-limit=64KiB,max-headers=200,failure-mode-allow=yes,"
            + "request-body-mode=none,response-body-mode=buffered-partial,with-request-body=no,max-message=8MiB");
        Assert.That(listener.Address, Is.EqualTo(IPEndPoint.Parse("127.0.0.1:9002")));
        var expected = new EnvoyOptions
        {
            AllowsModeOverride = true,
            MaxMessageTimeout = TimeSpan.FromSeconds(2),
            WholeBodies = BodySendMode.Buffered,
            BufferLimit = 64 * 1024,
            MaxEnvoyHeaders = 200,
            FailsOpen = true,
            RequestBodyMode = BodySendMode.None,
            ResponseBodyMode = BodySendMode.BufferedPartial,
            WithRequestBody = RequestBodies.Kept,
            MaxMessageBytes = 8 * 1024 * 1024,
        };
        Assert.That(listener.Values.Over(expected.Values), Is.EqualTo(expected.Values.Over(listener.Values)), "nothing but what is expected was written");
        Assert.That(listener.Values.Written.Count(), Is.EqualTo(expected.Values.Written.Count() + 2), "with the secret and the budget");
    }

    [TestCase("", 160, 0.8)]
    [TestCase(",failure-mode-allow=yes", 140, 0.7)]
    [TestCase(",failure-mode-allow=yes,budget=150ms", 150, 0.7)]
    public void FilterThatFailsOpen_HasItsRefusalEarlier(string keys, int budget, double usable)
    {
        var listener = Parse($"envoy=/e.sock{keys}");

        Assert.That((listener.Budget.TotalMilliseconds, listener.Envoy.UsableTime), Is.EqualTo(((double)budget, usable)));
    }

    [TestCase("envoy=0.0.0.0:9000,secret-file=s", "0.0.0.0:9000 is no loopback address")]
    [TestCase("envoy=127.0.0.1:9000", "a TCP listener needs secret-file=FILE")]
    [TestCase("envoy=/e.sock,secret-file=s", "key secret-file: is of TCP listeners")]
    [TestCase("envoy=/e.sock,whole-bodies=streamed", "key whole-bodies: streamed is none of buffered, buffered-partial")]
    [TestCase("envoy=/e.sock,allow-mode-override=yes,request-body-mode=full-duplex-streamed", "key request-body-mode: full-duplex-streamed cannot be had by an override")]
    [TestCase("envoy=/e.sock,max-message=1KiB", "key max-message: 1KiB is below 256KiB; give 256KiB to 128MiB")]
    [TestCase("http=/run/t.sock,proxy=traefik,secret-file=s", "Traefik cannot ask over a Unix socket; write http=127.0.0.1:PORT")]
    [TestCase("http=0.0.0.0:9000,proxy=traefik,secret-file=s", "0.0.0.0:9000 is no loopback address with a port")]
    [TestCase("http=192.0.2.1:9000,proxy=traefik,secret-file=s", "192.0.2.1:9000 is no loopback address")]
    [TestCase("http=[::]:9000,proxy=traefik,secret-file=s", "[::]:9000 is no loopback address")]
    [TestCase("http=127.0.0.1,proxy=traefik,secret-file=s", "127.0.0.1 is no loopback address with a port")]
    [TestCase("http=[::1],proxy=traefik,secret-file=s", "[::1] is no loopback address with a port")]
    [TestCase("http=127.0.0.1:65536,proxy=traefik,secret-file=s", "is no loopback address with a port")]
    [TestCase("http=localhost:9000,proxy=traefik,secret-file=s", "localhost:9000 is no loopback address with a port")]
    [TestCase("http=127.0.0.1:9000,proxy=traefik", "a TCP listener needs secret-file=FILE")]
    [TestCase("http=127.0.0.1:9000,proxy=traefik,secret-file=s,mode=0600", "key mode: is of socket files")]
    [TestCase("http=127.0.0.1:9000,proxy=traefik,secret-file=s,group=www", "key group: is of socket files")]
    [TestCase("http=127.0.0.1:9000,proxy=traefik,secret-file=s,response-headers=Set-Cookie+X-A", "Traefik hands on no header of an answer but Set-Cookie")]
    [TestCase("http=127.0.0.1:9000,proxy=nginx", "127.0.0.1:9000 is a TCP address; only proxy=traefik needs one")]
    [TestCase("http=[::1]:9000,proxy=caddy", "[::1]:9000 is a TCP address")]
    [TestCase("native=127.0.0.1:9000", "127.0.0.1:9000 is a TCP address")]
    [TestCase("http=/x,proxy=caddy,secret-file=s", "key secret-file: is of TCP listeners, such as those of proxy=traefik")]
    [TestCase("http=/x,proxy=caddy,path-prefix=/a", "key path-prefix: is of proxy=envoy-http")]
    [TestCase("http=/x,proxy=envoy-http,path-prefix=a", "key path-prefix: a must begin with a slash")]
    [TestCase("http=/x,proxy=envoy-http,path-prefix=/", "key path-prefix: / must begin with a slash and not end with one")]
    [TestCase("http=/x,proxy=envoy-http,path-prefix=/a/", "key path-prefix: /a/ must begin with a slash and not end with one")]
    [TestCase("reverse=/x,max-per-agent=0", "key max-per-agent: 0 is below 1 ")]
    [TestCase("reverse=/x,max-per-agent=65", "key max-per-agent: 65 is above 64 ")]
    [TestCase("reverse=/x,agents=+", "key agents: + names nothing")]
    [TestCase("reverse=/x,agents=", "key agents: has no value; write agents=")]
    [TestCase("reverse=/x,budget=1s", "'budget' is none of its keys; they are ")]
    [TestCase("native=/x,token-file=/t", "'token-file' is none of its keys; they are ")]
    [TestCase("native", "write http=PATH")]
    [TestCase("grpc=/x", "write http=PATH")]
    [TestCase("native=", "the path of the socket is empty")]
    [TestCase("http=/x", "an http listener needs proxy=nginx")]
    [TestCase("http=/x,proxy=apache", "key proxy: apache is none of nginx")]
    [TestCase("native=/x,proxy=nginx", "'proxy' is none of its keys; they are ")]
    [TestCase("admin=/x,budget=1s", "'budget' is none of its keys; they are ")]
    [TestCase("native=/x,budget=-1s", "key budget: -1s is not a duration")]
    [TestCase("native=/x,mode=", "key mode: has no value; write mode=")]
    [TestCase("native=/x,mode=0668", "key mode: 0668 is not an octal file mode")]
    [TestCase("native=/x,mode=00660", "key mode: 00660 is not an octal file mode")]
    [TestCase("native=/x,group=", "key group: has no value; write group=")]
    [TestCase("native=/x,unknown-exchange=maybe", "key unknown-exchange: maybe is none of closed, open")]
    [TestCase("http=/x,proxy=nginx,set-headers=+", "key set-headers: + names nothing")]
    [TestCase("http=/x,proxy=json,set-headers=X-A", "'set-headers' is none of its keys; they are ")]
    [TestCase("frames=/x,proxy=json", "'proxy' is none of its keys; they are ")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(ListenerFlag.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith("--listen ").And.Contain(expected));
    }

    [Test]
    public void Script_IsRead()
    {
        var http = Parse("http=/run/h.sock,proxy=json,unknown-exchange=open,budget=1s");
        Assert.That(
            (http.Kind, http.Proxy, http.UnknownExchange, http.Budget),
            Is.EqualTo((ListenerKind.Http, ProxyKind.Json, FailureMode.Open, TimeSpan.FromSeconds(1))));
        var frames = Parse("frames=/run/f.sock,group=www");
        Assert.That((frames.Kind, frames.Name, frames.Group), Is.EqualTo((ListenerKind.Frames, "frames:f.sock", "www")));
    }

    private static ListenerOptions Parse(string text)
    {
        var errors = new List<string>();
        var listener = ListenerFlag.Parse(text, errors);
        Assert.That(errors, Is.Empty);
        return listener!;
    }
}
