using Konstruct.Gateway;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Conversations.Api;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Page;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Tenancy;

if (args is ["schema", ..])
{
    return await SchemaService.RunAsync(args[1..]);
}

if (args is ["token", ..])
{
    return await TokenCommand.RunAsync(args[1..]);
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEdge();
builder.AddAuth();
builder.AddStores();
builder.AddChat();
builder.AddConversationsApi();
builder.AddPage();

return await builder.RunToEndAsync(app =>
{
    app.UseEdge();
    ChatEndpoint.Map(app);
    app.MapDefaultEndpoints();
    app.MapConversationsApi();
    app.MapPage();
});
