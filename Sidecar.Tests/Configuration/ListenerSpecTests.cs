using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Configuration;

public sealed class ListenerSpecTests
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
            Is.EqualTo((ListenerKind.Native, FailureMode.Open, Defaults.PhaseBudget, Defaults.SocketMode, (string?)null)));
        Assert.That(Parse("native=/run/n.sock").UnknownExchange, Is.EqualTo(FailureMode.Closed));
        Assert.That(Parse("admin=/run/a.sock").Kind, Is.EqualTo(ListenerKind.Admin));
    }

    [TestCase("native", "write http=PATH")]
    [TestCase("grpc=/x", "write http=PATH")]
    [TestCase("native=", "the path of the socket is empty")]
    [TestCase("http=/x", "an http listener needs proxy=nginx")]
    [TestCase("http=/x,proxy=apache", "proxy=apache is none of nginx")]
    [TestCase("native=/x,proxy=nginx", "'proxy=nginx' is none of budget=…")]
    [TestCase("admin=/x,budget=1s", "'budget=1s' is none of mode=…")]
    [TestCase("native=/x,budget=-1s", "budget=-1s is not a duration")]
    [TestCase("native=/x,mode=", "'mode=' has no value")]
    [TestCase("native=/x,mode=0668", "mode=0668 is not an octal file mode")]
    [TestCase("native=/x,mode=00660", "mode=00660 is not an octal file mode")]
    [TestCase("native=/x,group=", "'group=' has no value")]
    [TestCase("native=/x,unknown-exchange=maybe", "unknown-exchange=maybe is none of closed, open")]
    [TestCase("http=/x,proxy=nginx,set-headers=+", "set-headers=+ names nothing")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(ListenerSpec.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith($"--listen '{text}': ").And.Contain(expected));
    }

    private static ListenerOptions Parse(string text)
    {
        var errors = new List<string>();
        var listener = ListenerSpec.Parse(text, errors);
        Assert.That(errors, Is.Empty);
        return listener!;
    }
}
