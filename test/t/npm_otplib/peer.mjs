// An authenticator on Node.js: the npm package otplib. Reads a URI as people scan it, and
// prints the code that it shows so many seconds from now, or that of another algorithm.
import otplib from 'otplib';

const [uri, seconds = '0', algorithm] = process.argv.slice(2);
const parameters = new URL(uri).searchParams;

otplib.authenticator.options = {
    algorithm: algorithm ?? parameters.get('algorithm').toLowerCase(),
    digits: Number(parameters.get('digits')),
    step: Number(parameters.get('period')),
    epoch: Date.now() + 1000 * Number(seconds),
};
console.log(otplib.authenticator.generate(parameters.get('secret')));
